package dubbo

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/docent-go/docent/naming"
)

// The properties of Dubbo in the Metadata of an instance.
const (
	endpointsKey = "dubbo.endpoints"
	revisionKey  = "dubbo.metadata.revision"
	storageKey   = "dubbo.metadata.storage-type"
)

// Revision returns the revision of the instance's metadata, as
// Registry.Metadata takes it. An instance without metadata has an empty
// revision, or "0" if its application serves nothing.
func Revision(in naming.Instance) string { return in.Metadata[revisionKey] }

// endpoint is an element of the property endpointsKey.
type endpoint struct {
	Port     int    `json:"port"`
	Protocol string `json:"protocol"`
}

// Ports returns the ports of an instance by their protocols, from the property
// "dubbo.endpoints". The map is empty without that property: then all protocols
// are on the instance's Port, unless the metadata has a port for the service
// (Service.Port). The error is a *naming.MalformedError.
func Ports(in naming.Instance) (map[string]int, error) {
	text := in.Metadata[endpointsKey]
	if text == "" {
		return nil, nil
	}
	var all []endpoint
	err := json.Unmarshal([]byte(text), &all)
	ports := make(map[string]int, len(all))
	for _, e := range all {
		if err == nil && (e.Protocol == "" || e.Port < 1 || e.Port > 65535) {
			err = errors.New("")
		}
		ports[e.Protocol] = e.Port
	}
	if err != nil {
		return nil, &naming.MalformedError{Service: in.Service, Node: in.ID,
			Err: errors.New(`its metadata "dubbo.endpoints" is not a JSON list of protocols with ports`)}
	}
	return ports, nil
}

// endpoints writes the property, in the order of the protocols.
func endpoints(services []Service) (string, error) {
	ports := make(map[string]int)
	for _, s := range services {
		ports[s.Protocol] = s.Port
	}
	all := make([]endpoint, 0, len(ports))
	for _, protocol := range slices.Sorted(maps.Keys(ports)) {
		all = append(all, endpoint{ports[protocol], protocol})
	}
	text, err := json.Marshal(all)
	return string(text), err
}
