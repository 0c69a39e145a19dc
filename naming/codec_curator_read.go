package naming

import (
	"encoding/json"
	"errors"
	"slices"
)

func (c *curator) Decode(service, name string, data []byte) (Instance, error) {
	in, from, err := decodeCurator(service, name, data)
	if err == nil {
		err = in.takePayload(&from)
	}
	if in, err = finish(in, from, err); err != nil {
		return in, err
	}
	return remember(c, in, data), nil
}

// finish checks an instance that was read, and gives it its origin.
func finish(in Instance, from origin, err error) (Instance, error) {
	if err == nil {
		err = in.check()
	}
	if err != nil {
		return Instance{}, &MalformedError{in.Service, in.ID, err}
	}
	if !from.empty() {
		in.origin = &from
	}
	return in, nil
}

func (o origin) empty() bool {
	return o.node == "" && !o.enabled && len(o.extra) == 0 && o.payloadClass == "" && o.status == "" &&
		o.beanID == "" && o.beanName == "" && len(o.beanExtra) == 0 && o.user == ""
}

// takePayload turns a map of strings into the fields that it stands for, and
// leaves any other payload where it is.
func (in *Instance) takePayload(from *origin) error {
	if len(in.Payload) == 0 || in.Payload[0] != '{' {
		return nil
	}
	all, err := members(in.Payload)
	if err != nil {
		return err
	}
	texts, ok := pairs(all)
	if !ok && len(all) > 0 {
		return nil
	}
	class, named := texts[classKey]
	delete(texts, classKey)
	switch {
	case !named:
		from.payloadClass = noClass
	case !slices.Contains(mapClasses, class):
		return nil
	case class != defaultMap || len(texts) == 0:
		from.payloadClass = class
	}
	in.Payload = nil
	if value := texts[drainingKey]; isBool(value) {
		in.Draining = value == "true"
		delete(texts, drainingKey)
	}
	in.take(texts)
	return nil
}

// decodeCurator reads all but what a payload means.
func decodeCurator(service, name string, data []byte) (in Instance, from origin, err error) {
	in = Instance{Service: service, ID: name}
	all, err := members(data)
	if err != nil {
		return in, from, err
	}
	enabled := true
	var id, kind string
	var registered int64
	var side *member
	for _, m := range all {
		err := error(nil)
		switch m.key {
		case "name":
			// The directory says it, as the node's name says the id.
		case "id":
			err = field(m, &id)
		case "address":
			err = field(m, &in.Address)
		case "port":
			err = field(m, &in.Port)
		case "sslPort":
			err = field(m, &in.SSLPort)
		case "payload":
			if !isNull(m.raw) {
				in.Payload = m.raw
			}
		case "registrationTimeUTC":
			err = field(m, &registered)
		case "serviceType":
			if err = field(m, &kind); err == nil && kind != "" {
				if in.Type, err = ParseServiceType(kind); err != nil {
					err = errors.New("its serviceType is none of Curator's")
				}
			}
		case "uriSpec":
			in.URISpec, err = decodeURISpec(m)
		case "enabled":
			from.enabled = true
			err = field(m, &enabled)
		case sideKey:
			side = &m
		default:
			from.extra = append(from.extra, m)
		}
		if err != nil {
			return in, from, err
		}
	}
	in.Registered = fromMillis(registered)
	in.Disabled = !enabled
	if id != "" && id != name {
		from.node, from.jsonID = name, id
	}
	if side != nil && !in.takeSide(*side) {
		from.extra = append(from.extra, *side)
	}
	return in, from, nil
}

func decodeURISpec(m member) (URISpec, error) {
	var raw struct {
		Parts []struct {
			Value    string `json:"value"`
			Variable bool   `json:"variable"`
		} `json:"parts"`
	}
	if err := field(m, &raw); err != nil {
		return nil, errors.New(`its field "uriSpec" is no spec`)
	}
	var spec URISpec
	for _, part := range raw.Parts {
		spec = append(spec, URIPart(part))
	}
	return spec, nil
}

// takeSide reads the field that stands in for the payload. What does not look
// like ours is left to whoever wrote it.
func (in *Instance) takeSide(m member) bool {
	var side struct {
		Weight   int               `json:"weight"`
		Draining bool              `json:"draining"`
		Metadata map[string]string `json:"metadata"`
	}
	if in.Payload == nil || json.Unmarshal(m.raw, &side) != nil || side.Weight < 0 || side.Weight > MaxWeight {
		return false
	}
	in.Weight, in.Draining = side.Weight, side.Draining
	if len(side.Metadata) > 0 {
		in.Metadata = side.Metadata
	}
	return true
}
