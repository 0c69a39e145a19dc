package naming

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
)

const (
	weightKey   = "weight"
	drainingKey = "draining"
	sideKey     = "docent"

	defaultMap = "java.util.HashMap"
	noClass    = "-" // a payload that is a map of strings, without @class
)

// mapClasses are the Java classes that a reader can treat as a map of strings.
var mapClasses = []string{
	"java.util.HashMap", "java.util.LinkedHashMap", "java.util.TreeMap",
	"java.util.concurrent.ConcurrentHashMap",
}

// CuratorOption changes how Curator or Spring writes.
type CuratorOption func(*curator)

// CuratorEnabled always writes the field "enabled", as Curator's
// JsonInstanceSerializer does outside its compatible mode. Without it, the
// field is written only for a disabled instance, and for an instance that was
// read with the field. An enabled instance does not need the field, and clients
// older than Curator 2.9 (CURATOR-275) reject it.
func CuratorEnabled() CuratorOption { return func(c *curator) { c.enabled = true } }

type curator struct{ enabled bool }

// Curator is the codec of Curator's service discovery (x-discovery): a znode
// <base>/<service>/<id> with a ServiceInstance in JSON, in the order and with
// the bytes that Curator's JsonInstanceSerializer writes.
//
// Curator's ServiceInstance has no weight, no metadata and no draining. For an
// instance without a Payload, these three are the payload: a map of strings of
// a class that every Java program has:
//
//	"payload":{"@class":"java.util.HashMap","zone":"a","draining":"true","weight":"3"}
//
// A Java reader gets it as a Map (JsonInstanceSerializer<Map> or <Object>), and
// a map of strings from a Java writer is understood. An instance without the
// three has the payload null. A Payload is written as it is, byte for byte. The
// three are then in a field of their own at the end of the JSON, which Java
// readers skip:
//
//	"docent":{"weight":3,"draining":true,"metadata":{"zone":"a"}}
//
// A Java program that reads such a znode and writes it back drops that field.
//
// A payload that is a map of strings (HashMap, LinkedHashMap, TreeMap,
// ConcurrentHashMap or without a class) is read into Metadata, Weight and
// Draining; its class is kept. Any other is read into Payload. The key "weight"
// with a whole number, and "draining" with true or false, become the fields.
// They are rejected in Metadata. A weight of 0 or less is read as Draining.
//
// JSON is read as Curator reads it, even {}: absent fields have the values that
// Curator gives them, "8080" and 8080.0 are ports, "enabled":null is disabled,
// what follows the object is ignored. The guide lists what is rejected
// nevertheless. An instance that is read and written again keeps everything
// that was not changed: fields that Curator does not know, the order of fields,
// digits and white space.
func Curator(opts ...CuratorOption) Codec {
	c := &curator{}
	misuse.Apply("naming.Curator", c, opts)
	return c
}

func (c *curator) Base() string { return "/services" }

func (c *curator) InName() bool { return false }

func (c *curator) Dir(base, service string) (string, error) {
	if err := checkName("service", service); err != nil {
		return "", named(service, err)
	}
	dir := znode.Join(base, service)
	if err := znode.Validate(dir); err != nil {
		return "", fmt.Errorf("service %q: %w", service, err)
	}
	return dir, nil
}

func (c *curator) Encode(in Instance) (string, []byte, error) { return in.encode(c) }

func (c *curator) appendJSON(b []byte, in *Instance) ([]byte, error) {
	b = appendHead(b, in)
	if in.Payload != nil {
		return c.appendTail(append(b, in.Payload...), in), nil
	}
	b, err := in.appendMapPayload(b)
	if err != nil {
		return nil, err
	}
	return c.appendTail(b, in), nil
}

// usualSize is enough for the JSON of most instances.
const usualSize = 512

// encode returns the name of the instance's znode and its data. write appends
// the data to a buffer.
func (in *Instance) encode(c jsonCodec) (string, []byte, error) {
	if err := in.Validate(); err != nil {
		return "", nil, err
	}
	err := checkName("id", in.ID)
	var b []byte
	if err == nil {
		b, err = c.appendJSON(make([]byte, 0, usualSize), in)
	}
	if err != nil {
		return "", nil, fmt.Errorf("instance %q of service %q: %w", in.ID, in.Service, err)
	}
	return in.ID, in.from().keep(c, in, b), nil
}

// appendHead writes the fields before the payload, and the payload's key.
func appendHead(b []byte, in *Instance) []byte {
	id := in.ID
	if from := in.from(); from.node == id {
		id = from.jsonID
	}
	b = appendStringField(append(b, '{'), "name", in.Service)
	b = appendStringField(b, "id", id)
	b = appendKey(b, "address")
	if in.Address == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, in.Address)
	}
	b = appendPort(appendKey(b, "port"), in.Port)
	b = appendPort(appendKey(b, "sslPort"), in.SSLPort)
	return appendKey(b, "payload")
}

// appendTail writes the fields after the payload.
func (c *curator) appendTail(b []byte, in *Instance) []byte {
	from := in.from()
	b = strconv.AppendInt(appendKey(b, "registrationTimeUTC"), millis(in.Registered), 10)
	b = appendStringField(b, "serviceType", in.Type.String())
	b = appendURISpec(appendKey(b, "uriSpec"), in.URISpec)
	if c.enabled || in.Disabled || from.enabled {
		b = strconv.AppendBool(appendKey(b, "enabled"), !in.Disabled)
	}
	extra := from.extra
	if in.Payload != nil && in.says() {
		b = in.appendSide(b)
		extra = slices.DeleteFunc(slices.Clone(extra), func(m member) bool { return m.key == sideKey })
	}
	return append(appendMembers(b, extra), '}')
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

// weighs returns an error if the metadata has a key that belongs to the field
// Weight.
func (in *Instance) weighs() error {
	if value, there := in.Metadata[weightKey]; there {
		if _, _, weighs := parseWeight(value); weighs || in.Weight != 0 {
			return errors.New(`the metadata key "weight" is reserved: set the field Weight`)
		}
	}
	return nil
}

func (in *Instance) appendMapPayload(b []byte) ([]byte, error) {
	if err := in.weighs(); err != nil {
		return nil, err
	}
	if _, taken := in.Metadata[classKey]; taken {
		return nil, errors.New(`the metadata key "@class" is not possible: it names the payload's class`)
	}
	if value, there := in.Metadata[drainingKey]; there && (in.Draining || isBool(value)) {
		return nil, errors.New(`the metadata key "draining" is reserved: set the field Draining`)
	}
	class := in.from().payloadClass
	if !in.says() && class == "" {
		return append(b, "null"...), nil
	}
	b = append(b, '{')
	switch class {
	case "":
		b = appendStringField(b, classKey, defaultMap)
	case noClass:
	default:
		b = appendStringField(b, classKey, class)
	}
	var few [2]pair
	more := few[:0]
	if in.Weight != 0 {
		more = append(more, pair{weightKey, strconv.Itoa(in.Weight)})
	}
	if in.Draining {
		more = append(more, pair{drainingKey, "true"})
	}
	return append(appendPairs(b, in.Metadata, more...), '}'), nil
}

func isBool(s string) bool { return s == "true" || s == "false" }

// says reports whether the instance has values for which Curator's JSON has no
// field.
func (in *Instance) says() bool { return in.Weight != 0 || in.Draining || len(in.Metadata) > 0 }

func (in *Instance) appendSide(b []byte) []byte {
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
