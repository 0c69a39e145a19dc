package naming

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/misuse"
)

const (
	springBean  = "org.springframework.cloud.zookeeper.discovery.ZookeeperInstance"
	statusKey   = "instance_status"
	statusUp    = "UP"
	statusDrain = "OUT_OF_SERVICE"
)

// springURI is the uriSpec that Spring Cloud ZooKeeper gives its instances.
var springURI = URISpec{{"scheme", true}, {"://", false}, {"address", true}, {":", false}, {"port", true}}

// Spring is the codec of Spring Cloud ZooKeeper: Curator's layout, below
// /services, with a payload of Spring's own class:
//
//	"payload":{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance",
//	  "id":"orders-1","name":"orders","metadata":{"instance_status":"UP","weight":"3","zone":"a"}}
//
// Draining is the status OUT_OF_SERVICE, which Spring's consumers filter out;
// an instance without a status is up, and any status but UP counts as draining
// and is kept. Weight is the metadata key "weight", where Spring Cloud
// LoadBalancer looks for it. An instance without a URISpec gets Spring's,
// {scheme}://{address}:{port}. There is no room for a Payload of one's own; an instance
// with a foreign payload is read as Curator reads it, and cannot be written.
//
// Use it wherever Spring's programs read the same services: their deserialiser
// fails on every other payload.
func Spring(opts ...CuratorOption) Codec {
	s := &spring{}
	misuse.Apply("naming.Spring", &s.curator, opts)
	return s
}

type spring struct{ curator }

func (s *spring) Encode(in Instance) (string, []byte, error) {
	if in.URISpec == nil {
		in.URISpec = springURI
	}
	return s.encode(in, func() ([]byte, error) { return in.springPayload() })
}

func (in Instance) springPayload() ([]byte, error) {
	if in.Payload != nil {
		return nil, errors.New("there is no room for a payload beside Spring's own: use Metadata")
	}
	if _, taken := in.Metadata[statusKey]; taken {
		return nil, fmt.Errorf("the metadata key %q is the field Draining", statusKey)
	}
	all, err := in.fields()
	if err != nil {
		return nil, err
	}
	from := in.from()
	all[statusKey] = statusUp
	if in.Draining {
		all[statusKey] = statusDrain
		if from.status != "" {
			all[statusKey] = from.status
		}
	}
	id, name := in.ID, in.Service
	if from.beanID != "" {
		id = from.beanID
	}
	if from.beanName != "" {
		name = from.beanName
	}
	b := appendStringField([]byte{'{'}, classKey, springBean)
	b = appendStringField(b, "id", id)
	b = appendStringField(b, "name", name)
	b = append(appendKey(b, "metadata"), '{')
	b = append(appendPairs(b, all), '}')
	return append(appendMembers(b, from.beanExtra), '}'), nil
}

func (s *spring) Decode(service, name string, data []byte) (Instance, error) {
	in, from, err := decodeCurator(service, name, data)
	switch {
	case err != nil:
	case PayloadClass(in.Payload) == springBean:
		err = in.takeBean(&from)
	default:
		err = in.takePayload(&from)
	}
	if in, err = finish(in, from, err); err != nil {
		return in, err
	}
	return remember(s, in, data), nil
}

func (in *Instance) takeBean(from *origin) error {
	all, err := members(in.Payload)
	if err != nil {
		return err
	}
	var id, name string
	var metadata map[string]string
	for _, m := range all {
		switch m.key {
		case classKey:
		case "id":
			err = field(m, &id)
		case "name":
			err = field(m, &name)
		case "metadata":
			var values map[string]json.RawMessage
			if err = field(m, &values); err == nil {
				metadata, err = texts(values)
			}
		default:
			from.beanExtra = append(from.beanExtra, m)
		}
		if err != nil {
			return err
		}
	}
	if id != in.ID {
		from.beanID = id
	}
	if name != in.Service {
		from.beanName = name
	}
	in.Payload = nil
	status, stated := metadata[statusKey]
	delete(metadata, statusKey)
	in.take(metadata)
	in.Draining = stated && status != statusUp
	if in.Draining && status != statusDrain {
		from.status = status
	}
	return nil
}

// texts reads the values of Spring's metadata, a map of strings in Java. Null
// is a string there, and says nothing.
func texts(values map[string]json.RawMessage) (map[string]string, error) {
	result := make(map[string]string, len(values))
	for key, raw := range values {
		var text *string
		if json.Unmarshal(raw, &text) != nil {
			return nil, errors.New("its metadata holds something else than strings")
		}
		if text != nil && key != "" {
			result[key] = *text
		}
	}
	return result, nil
}
