package docentkratos

import (
	"encoding/json"
	"errors"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/go-kratos/kratos/v2/registry"

	"github.com/docent-go/docent/naming"
)

// Base is the path below which kratos's own registry keeps services.
const Base = "/microservices"

// codec is the layout of kratos's ZooKeeper registry: the data of an instance
// are the JSON of a registry.ServiceInstance, which is the Payload here.
type codec struct{}

func (codec) Base() string { return Base }

func (codec) InName() bool { return false }

// errName is the reason why a service cannot be a directory.
var errName = errors.New("the name of a service must not be empty, . or .., or contain a slash")

func (codec) Dir(base, service string) (string, error) {
	if service == "" || service == "." || service == ".." || strings.Contains(service, "/") {
		return "", errName
	}
	return path.Join(base, service), nil
}

func (codec) Encode(in naming.Instance) (name string, data []byte, err error) {
	if in.Payload == nil {
		return "", nil, errors.New("the instance has no payload: it needs a registry.ServiceInstance in JSON")
	}
	return in.ID, in.Payload, in.Validate()
}

func (codec) Decode(service, name string, data []byte) (naming.Instance, error) {
	si, err := parse(data)
	switch {
	case err != nil:
		err = errors.New("its data are not the JSON of a registry.ServiceInstance")
	case si.Name != service:
		err = errors.New("it is an instance of another service")
	}
	if err != nil {
		return naming.Instance{}, &naming.MalformedError{Service: service, Node: name, Err: err}
	}
	in := naming.Instance{Service: service, ID: name, Payload: data}
	in.Address, in.Port = address(si.Endpoints)
	return in, nil
}

// address returns where an instance listens first. A crashed instance that
// comes back with another id is recognised by it.
func address(endpoints []string) (host string, port int) {
	for _, e := range endpoints {
		u, err := url.Parse(e)
		if err != nil || u.Hostname() == "" {
			continue
		}
		if port, err = strconv.Atoi(u.Port()); err == nil {
			return u.Hostname(), port
		}
	}
	return "", 0
}

// instance returns what is registered for a service instance.
func instance(si *registry.ServiceInstance) (naming.Instance, error) {
	data, err := json.Marshal(si)
	if err != nil {
		return naming.Instance{}, err
	}
	if si.ID == "" {
		return naming.Instance{}, errors.New("the instance has no id")
	}
	return naming.Instance{Service: si.Name, ID: si.ID, Payload: data, Registered: time.Now()}, nil
}

func parse(data []byte) (*registry.ServiceInstance, error) {
	var si *registry.ServiceInstance
	if err := json.Unmarshal(data, &si); err != nil {
		return nil, err
	}
	if si == nil {
		return nil, errors.New("the data are null")
	}
	return si, nil
}

// parsed returns the instances of a view. Each call makes them anew: kratos
// sorts their endpoints where they are.
func parsed(v *naming.View) ([]*registry.ServiceInstance, error) {
	all := make([]*registry.ServiceInstance, 0, v.Len())
	for in := range v.All() {
		si, err := parse(in.Payload)
		if err != nil {
			return nil, err
		}
		all = append(all, si)
	}
	return all, nil
}
