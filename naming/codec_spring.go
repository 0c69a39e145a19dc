package naming

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/base/misuse"
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
// Draining is the status OUT_OF_SERVICE, which Spring's consumers filter out.
// An instance without a status is up. Any status but UP, in whatever case,
// counts as draining and is kept. Weight is the metadata key "weight", where
// Spring Cloud LoadBalancer looks for it. A weight of 0 or less is read as
// Draining. Numbers, true and false in the metadata are read as texts. An
// instance without a URISpec gets Spring's,
// {scheme}://{address}:{port}. A Payload cannot be written. An instance with a
// foreign payload is read as Curator reads it, and cannot be written either.
//
// Use it if Spring's programs read the same services: their deserialiser fails
// on every other payload.
func Spring(opts ...CuratorOption) Codec {
	s := &spring{}
	misuse.Apply("naming.Spring", &s.curator, opts)
	return s
}

type spring struct{ curator }

func (s *spring) Encode(in Instance) (string, []byte, error) { return in.encode(s) }

func (s *spring) appendJSON(b []byte, in *Instance) ([]byte, error) {
	b, err := in.appendBean(appendHead(b, in))
	if err != nil {
		return nil, err
	}
	if in.URISpec != nil {
		return s.appendTail(b, in), nil
	}
	whole := *in
	whole.URISpec = springURI
	return s.appendTail(b, &whole), nil
}

func (in *Instance) appendBean(b []byte) ([]byte, error) {
	if in.Payload != nil {
		return nil, errors.New("the payload of a Spring instance is fixed: use Metadata")
	}
	if _, taken := in.Metadata[statusKey]; taken {
		return nil, fmt.Errorf("the metadata key %q is reserved: set the field Draining", statusKey)
	}
	if err := in.weighs(); err != nil {
		return nil, err
	}
	from := in.from()
	status := statusUp
	if in.Draining {
		status = cmp.Or(from.status, statusDrain)
	}
	var few [2]pair
	more := append(few[:0], pair{statusKey, status})
	if in.Weight != 0 {
		more = append(more, pair{weightKey, strconv.Itoa(in.Weight)})
	}
	b = appendStringField(append(b, '{'), classKey, springBean)
	b = appendStringField(b, "id", cmp.Or(from.beanID, in.ID))
	b = appendStringField(b, "name", cmp.Or(from.beanName, in.Service))
	b = append(appendKey(b, "metadata"), '{')
	b = append(appendPairs(b, in.Metadata, more...), '}')
	return append(appendMembers(b, from.beanExtra), '}'), nil
}

func (s *spring) Decode(service, name string, data []byte) (Instance, error) {
	text := string(data)
	in, err := s.read(service, name, text)
	if err != nil {
		return in, err
	}
	var usual [usualSize]byte
	if encoded, err := s.appendJSON(usual[:0], &in); err == nil {
		in.remember(text, encoded, service, name)
	}
	return in, nil
}

func (s *spring) read(service, name, text string) (Instance, error) {
	in, payload, from, err := decodeCurator(service, name, text)
	switch {
	case err != nil:
	case isBean(payload):
		err = in.takeBean(payload, &from)
	default:
		in.takePayload(payload, &from)
	}
	return finish(in, &from, err)
}

// isBean reports whether a payload is of Spring's class.
func isBean(payload string) bool {
	switch {
	case payload == "" || payload[0] != '{' && payload[0] != '[':
		return false
	case payload[0] == '[':
		return PayloadClass(json.RawMessage(payload)) == springBean
	}
	var few [fewMembers]member
	for _, m := range split(few[:0], payload) {
		if m.key == classKey {
			return m.raw[0] == '"' && unquote(m.raw) == springBean
		}
	}
	return false
}

// takeBean reads a payload of Spring's class, which may have the form
// ["class",{}] too.
func (in *Instance) takeBean(payload string, from *origin) error {
	if payload[0] == '[' {
		_, value := unwrap(json.RawMessage(payload))
		payload = string(value)
	}
	if payload[0] != '{' {
		return errors.New("the payload of Spring's class is not an object")
	}
	var few [fewMembers]member
	var id, name string
	var some [fewMembers]member
	metadata := some[:0]
	for _, m := range split(few[:0], payload) {
		err := error(nil)
		switch m.key {
		case classKey:
		case "id":
			err = m.text(&id)
		case "name":
			err = m.text(&name)
		case "metadata":
			metadata, err = texts(metadata[:0], m)
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
	status, stated := textOf(metadata, statusKey)
	in.take(slices.DeleteFunc(metadata, func(m member) bool { return m.key == statusKey }))
	if stated = stated && !isUp(status); stated {
		in.Draining = true
	}
	if stated && status != statusDrain {
		from.status = status
	}
	return nil
}

// isUp reports whether Spring's consumers call an instance with the status.
func isUp(status string) bool {
	return strings.EqualFold(status, statusUp) || strings.TrimSpace(status) == ""
}

// texts appends the fields of Spring's metadata, a map of strings in Java, to
// all, which is empty. Numbers, true and false become texts. Fields that are
// null, and those without a key, are left out.
func texts(all []member, m member) ([]member, error) {
	switch m.raw[0] {
	case 'n':
		return nil, nil
	case '{':
	default:
		return nil, m.unfit("a map")
	}
	all = split(all, m.raw)
	for i, value := range all {
		switch value.raw[0] {
		case '{', '[':
			return nil, errors.New("its metadata holds an object or a list, where a text belongs")
		case '"', 'n':
		default:
			all[i].raw = `"` + value.raw + `"`
		}
	}
	return slices.DeleteFunc(all, func(m member) bool { return m.raw == "null" || m.key == "" }), nil
}
