package naming

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
)

const (
	weightKey   = "weight"
	drainingKey = "draining"
	sideKey     = "docent"

	defaultMap = "java.util.HashMap"
	noClass    = "-" // a payload that is a map of strings, without @class
)

// mapClasses are the Java classes that are nothing but a map of strings to whoever reads them.
var mapClasses = []string{
	"java.util.HashMap", "java.util.LinkedHashMap", "java.util.TreeMap",
	"java.util.concurrent.ConcurrentHashMap",
}

// CuratorOption changes how Curator or Spring writes.
type CuratorOption func(*curator)

// WithEnabled always writes the field "enabled", as Curator's
// JsonInstanceSerializer does outside its compatible mode. Without it the field
// is written for an instance that is disabled, and for one that was
// read with it: an enabled instance needs no field, and clients older than
// Curator 2.9 (CURATOR-275) refuse one.
func WithEnabled() CuratorOption { return func(c *curator) { c.enabled = true } }

type curator struct{ enabled bool }

// Curator is the codec of Curator's service discovery (x-discovery): a znode
// <base>/<service>/<id> with a ServiceInstance in JSON, in the order and with
// the bytes that Curator's JsonInstanceSerializer writes.
//
// Curator's ServiceInstance has no weight, no metadata and no draining. For an
// instance without a Payload they are the payload, a map of strings of a class
// that every Java program has:
//
//	"payload":{"@class":"java.util.HashMap","zone":"a","draining":"true","weight":"3"}
//
// A Java reader gets it as a Map (JsonInstanceSerializer<Map> or <Object>), and
// a Java writer that puts such a map there is understood. An instance that has
// nothing of the three has the payload null. For an instance with a Payload
// that payload is written as it is, byte for byte, and the three lie in a field
// of their own at the end of the JSON, which Java readers skip:
//
//	"docent":{"weight":3,"draining":true,"metadata":{"zone":"a"}}
//
// A Java program that reads such a node and writes it back drops that field.
//
// A payload that is a map of strings (HashMap, LinkedHashMap, TreeMap,
// ConcurrentHashMap or without a class) is read into Metadata, Weight and
// Draining; its class is kept. Any other is read into Payload. The metadata
// key "weight" with a proper weight and "draining" with true or false are the
// fields, and refused in Metadata.
//
// All JSON that Curator reads is read, and {} too: absent fields have the
// values that Curator gives them. An instance that is read and written again
// keeps everything that was not changed as it was: fields that Curator does not know, the
// order of fields, digits and white space.
func Curator(opts ...CuratorOption) Codec {
	c := &curator{}
	misuse.Apply("naming.Curator", c, opts)
	return c
}

func (c *curator) Base() string { return "/services" }

func (c *curator) InName() bool { return false }

func (c *curator) Dir(base, service string) (string, error) {
	if err := checkName("service", service); err != nil {
		return "", fmt.Errorf("naming: service %q: %w", service, err)
	}
	dir := znode.Join(base, service)
	if err := znode.Validate(dir); err != nil {
		return "", fmt.Errorf("naming: service %q: %w", service, err)
	}
	return dir, nil
}

func (c *curator) Encode(in Instance) (string, []byte, error) {
	return c.encode(in, func() ([]byte, error) {
		if in.Payload != nil {
			return in.Payload, nil
		}
		return in.mapPayload()
	})
}

// encode writes everything but the payload, which it asks for once the
// instance is known to be valid.
func (c *curator) encode(in Instance, payload func() ([]byte, error)) (string, []byte, error) {
	if err := in.Validate(); err != nil {
		return "", nil, err
	}
	fail := func(err error) (string, []byte, error) {
		return "", nil, fmt.Errorf("naming: instance %q of service %q: %w", in.ID, in.Service, err)
	}
	if err := checkName("id", in.ID); err != nil {
		return fail(err)
	}
	raw, err := payload()
	if err != nil {
		return fail(err)
	}
	from := in.from()
	id := in.ID
	if from.node == in.ID {
		id = from.jsonID
	}
	b := appendStringField([]byte{'{'}, "name", in.Service)
	b = appendStringField(b, "id", id)
	b = appendKey(b, "address")
	if in.Address == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, in.Address)
	}
	b = appendPort(appendKey(b, "port"), in.Port)
	b = appendPort(appendKey(b, "sslPort"), in.SSLPort)
	b = append(appendKey(b, "payload"), raw...)
	b = strconv.AppendInt(appendKey(b, "registrationTimeUTC"), millis(in.Registered), 10)
	b = appendStringField(b, "serviceType", in.Type.String())
	b = appendURISpec(appendKey(b, "uriSpec"), in.URISpec)
	if c.enabled || in.Disabled || from.enabled {
		b = strconv.AppendBool(appendKey(b, "enabled"), !in.Disabled)
	}
	if in.Payload != nil && in.says() {
		b = in.appendSide(b)
		from.extra = slices.DeleteFunc(slices.Clone(from.extra), func(m member) bool { return m.key == sideKey })
	}
	b = appendMembers(b, from.extra)
	return in.ID, from.keep(append(b, '}')), nil
}

func appendPort(b []byte, port int) []byte {
	if port == 0 {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, int64(port), 10)
}

func appendURISpec(b []byte, spec URISpec) []byte {
	if spec == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"parts":[`...)
	for i, part := range spec {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendStringField(append(b, '{'), "value", part.Value)
		b = strconv.AppendBool(appendKey(b, "variable"), part.Variable)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// fields gives metadata and weight as one map of strings.
func (in Instance) fields() (map[string]string, error) {
	all := make(map[string]string, len(in.Metadata)+2)
	maps.Copy(all, in.Metadata)
	value, there := all[weightKey]
	if _, weighs := parseWeight(value); there && (weighs || in.Weight != 0) {
		return nil, errors.New(`the metadata key "weight" is the field Weight`)
	}
	if in.Weight != 0 {
		all[weightKey] = strconv.Itoa(in.Weight)
	}
	return all, nil
}

// take is the inverse of fields. It keeps all.
func (in *Instance) take(all map[string]string) {
	if weight, ok := parseWeight(all[weightKey]); ok {
		in.Weight = weight
		delete(all, weightKey)
	}
	if len(all) > 0 {
		in.Metadata = all
	}
}

func isBool(s string) bool { return s == "true" || s == "false" }

func (in Instance) mapPayload() ([]byte, error) {
	all, err := in.fields()
	if err != nil {
		return nil, err
	}
	if _, taken := all[classKey]; taken {
		return nil, errors.New(`the metadata key "@class" is not possible: it names the payload's class`)
	}
	if value, there := all[drainingKey]; there && (in.Draining || isBool(value)) {
		return nil, errors.New(`the metadata key "draining" is the field Draining`)
	}
	if in.Draining {
		all[drainingKey] = "true"
	}
	class := in.from().payloadClass
	if len(all) == 0 && class == "" {
		return []byte("null"), nil
	}
	b := []byte{'{'}
	switch class {
	case "":
		b = appendStringField(b, classKey, defaultMap)
	case noClass:
	default:
		b = appendStringField(b, classKey, class)
	}
	return append(appendPairs(b, all), '}'), nil
}

// says reports whether there is anything that Curator's JSON has no field for.
func (in Instance) says() bool { return in.Weight != 0 || in.Draining || len(in.Metadata) > 0 }

func (in Instance) appendSide(b []byte) []byte {
	b = append(appendKey(b, sideKey), '{')
	if in.Weight != 0 {
		b = strconv.AppendInt(appendKey(b, weightKey), int64(in.Weight), 10)
	}
	if in.Draining {
		b = strconv.AppendBool(appendKey(b, drainingKey), true)
	}
	if len(in.Metadata) > 0 {
		b = append(appendKey(b, "metadata"), '{')
		b = append(appendPairs(b, in.Metadata), '}')
	}
	return append(b, '}')
}
