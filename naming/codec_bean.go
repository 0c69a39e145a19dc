package naming

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// bean is the codec of a program that has Curator's layout with a payload of its
// own class, which holds an id, a name and a map of strings. The map holds the
// fields of the Instance for which Curator's JSON has no place.
//
// The methods choose between the programs by a branch. A call through a function
// value or an interface would move the arrays of its arguments to the heap.
type bean struct {
	curator
	program program
	class   string
	uriSpec URISpec // of an instance without one
}

// program is whose bean it is.
type program string

const (
	springProgram program = "Spring"
	dubboProgram  program = "Dubbo"
)

// encodeFields appends the pairs that hold fields, and returns the Metadata to
// write beside them. It rejects what the program's readers cannot read.
func (c *bean) encodeFields(pairs []pair, in *Instance) ([]pair, map[string]string, error) {
	if c.program == dubboProgram {
		return encodeDubboFields(pairs, in)
	}
	return encodeSpringFields(pairs, in)
}

// decodeFields reads the map into the fields and into Metadata.
func (c *bean) decodeFields(in *Instance, metadata []member, from *origin) {
	if c.program == dubboProgram {
		decodeDubboFields(in, metadata, from)
	} else {
		decodeSpringFields(in, metadata, from)
	}
}

func (c *bean) Encode(in Instance) (string, []byte, error) { return in.encode(c) }

func (c *bean) appendJSON(b []byte, in *Instance) ([]byte, error) {
	b, err := c.appendPayload(appendHead(b, in), in)
	if err != nil {
		return nil, err
	}
	if in.URISpec != nil {
		return c.appendTail(b, in), nil
	}
	whole := *in
	whole.URISpec = c.uriSpec
	return c.appendTail(b, &whole), nil
}

func (c *bean) appendPayload(b []byte, in *Instance) ([]byte, error) {
	if in.Payload != nil {
		return nil, fmt.Errorf("the payload of a %s instance is fixed: use Metadata", c.program)
	}
	var few [3]pair
	more, metadata, err := c.encodeFields(few[:0], in)
	if err != nil {
		return nil, err
	}
	from := in.from()
	b = appendStringField(append(b, '{'), classKey, c.class)
	b = appendStringField(b, "id", cmp.Or(from.beanID, in.ID))
	b = appendStringField(b, "name", cmp.Or(from.beanName, in.Service))
	b = append(appendKey(b, "metadata"), '{')
	b = append(appendPairs(b, metadata, more...), '}')
	return append(appendMembers(b, from.beanExtra), '}'), nil
}

func (c *bean) Decode(service, name string, data []byte) (Instance, error) {
	text := string(data)
	in, err := c.read(service, name, text)
	if err != nil {
		return in, err
	}
	var usual [usualSize]byte
	if encoded, err := c.appendJSON(usual[:0], &in); err == nil {
		in.remember(text, encoded, service, name)
	}
	return in, nil
}

func (c *bean) read(service, name, text string) (Instance, error) {
	in, payload, from, err := decodeCurator(service, name, text)
	switch {
	case err != nil:
	case c.owns(payload):
		err = c.takePayload(&in, payload, &from)
	default:
		in.takePayload(payload, &from)
		if c.program == dubboProgram {
			in.weighAsDubbo(&from)
		}
	}
	return finish(in, &from, err)
}

// owns reports whether a payload is of the program's class.
func (c *bean) owns(payload string) bool {
	switch {
	case payload == "" || payload[0] != '{' && payload[0] != '[':
		return false
	case payload[0] == '[':
		return PayloadClass(json.RawMessage(payload)) == c.class
	}
	var few [fewMembers]member
	for _, m := range split(few[:0], payload) {
		if m.key == classKey {
			return m.raw[0] == '"' && unquote(m.raw) == c.class
		}
	}
	return false
}

// takePayload reads a payload of the program's class, which may have the form
// ["class",{}] too.
func (c *bean) takePayload(in *Instance, payload string, from *origin) error {
	if payload[0] == '[' {
		_, value := unwrap(json.RawMessage(payload))
		payload = string(value)
	}
	if payload[0] != '{' {
		return fmt.Errorf("the payload of %s's class is not an object", c.program)
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
	c.decodeFields(in, metadata, from)
	return nil
}

// texts appends the fields of a bean's metadata, a map of strings in Java, to
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
