package naming

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

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

func (c *curator) Encode(in Instance) (string, []byte, error) { return in.encode(c.appendJSON) }

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

// usualSize is what most instances take as JSON, or less.
const usualSize = 512

// encode gives the name of the instance's znode and its data, which write appends to a
// buffer.
func (in *Instance) encode(write func([]byte, *Instance) ([]byte, error)) (string, []byte, error) {
	if err := in.Validate(); err != nil {
		return "", nil, err
	}
	err := checkName("id", in.ID)
	var b []byte
	if err == nil {
		b, err = write(make([]byte, 0, usualSize), in)
	}
	if err != nil {
		return "", nil, fmt.Errorf("naming: instance %q of service %q: %w", in.ID, in.Service, err)
	}
	return in.ID, in.from().keep(b), nil
}

// appendHead writes what comes before the payload.
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

// appendTail writes what comes after the payload.
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

// weighs says why the weight cannot be written as one of the metadata.
func (in *Instance) weighs() error {
	if value, there := in.Metadata[weightKey]; there {
		if _, weighs := parseWeight(value); weighs || in.Weight != 0 {
			return errors.New(`the metadata key "weight" is the field Weight`)
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
		return nil, errors.New(`the metadata key "draining" is the field Draining`)
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

// says reports whether there is anything that Curator's JSON has no field for.
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

func (c *curator) Decode(service, name string, data []byte) (Instance, error) {
	in, payload, from, err := decodeCurator(service, name, data)
	if err == nil {
		in.takePayload(payload, &from)
	}
	if in, err = finish(in, &from, err); err != nil {
		return in, err
	}
	var usual [usualSize]byte
	if encoded, err := c.appendJSON(usual[:0], &in); err == nil {
		in.remember(data, encoded)
	}
	return in, nil
}

// finish checks an instance that was read, and gives it its origin.
func finish(in Instance, from *origin, err error) (Instance, error) {
	if err == nil {
		err = in.check()
	}
	if err != nil {
		return Instance{}, &MalformedError{in.Service, in.ID, err}
	}
	if !from.empty() {
		kept := *from
		in.origin = &kept
	}
	return in, nil
}

func (o *origin) empty() bool {
	return o.node == "" && !o.enabled && len(o.extra) == 0 && o.payloadClass == "" && o.status == "" &&
		o.beanID == "" && o.beanName == "" && len(o.beanExtra) == 0 && o.user == ""
}

// takePayload turns a map of strings into the fields that it stands for. It takes any
// other payload as it is.
func (in *Instance) takePayload(payload string, from *origin) {
	if payload == "" {
		return
	}
	var few [fewMembers]member
	all, class, named := few[:0], "", false
	isMap := payload[0] == '{'
	if isMap {
		all = split(all, payload)
		isMap = allStrings(all)
	}
	if isMap {
		class, named = textOf(all, classKey)
		isMap = !named || slices.Contains(mapClasses, class)
	}
	if !isMap {
		in.Payload = json.RawMessage(payload)
		return
	}
	switch {
	case !named:
		from.payloadClass = noClass
	case class != defaultMap || len(all) == 1:
		from.payloadClass = class
	}
	if value, _ := textOf(all, drainingKey); isBool(value) {
		in.Draining = value == "true"
		all = slices.DeleteFunc(all, func(m member) bool { return m.key == drainingKey })
	}
	in.take(slices.DeleteFunc(all, func(m member) bool { return m.key == classKey }))
}

// textOf returns a field that holds a string.
func textOf(all []member, key string) (text string, found bool) {
	for _, m := range all {
		if m.key == key {
			return unquote(m.raw), true
		}
	}
	return "", false
}

// take reads the metadata, and the weight that may be one of them. All hold strings.
func (in *Instance) take(all []member) {
	if text, found := textOf(all, weightKey); found {
		if weight, ok := parseWeight(text); ok {
			in.Weight = weight
			all = slices.DeleteFunc(all, func(m member) bool { return m.key == weightKey })
		}
	}
	if len(all) == 0 {
		return
	}
	in.Metadata = make(map[string]string, len(all))
	for _, m := range all {
		in.Metadata[m.key] = unquote(m.raw)
	}
}

// decodeCurator reads all but what a payload means. The payload is empty where there is
// none.
func decodeCurator(service, name string, data []byte) (in Instance, payload string, from origin, err error) {
	in = Instance{Service: service, ID: name}
	var few [fewMembers]member
	all, err := members(few[:0], data)
	if err != nil {
		return in, "", from, err
	}
	enabled := true
	var id, kind, side string
	var registered int64
	for _, m := range all {
		err := error(nil)
		switch m.key {
		case "name":
			// The directory says it, as the node's name says the id.
		case "id":
			err = m.text(&id)
		case "address":
			err = m.text(&in.Address)
		case "port":
			err = m.integer(&in.Port)
		case "sslPort":
			err = m.integer(&in.SSLPort)
		case "payload":
			if m.raw != "null" {
				payload = m.raw
			}
		case "registrationTimeUTC":
			err = m.long(&registered)
		case "serviceType":
			if err = m.text(&kind); err == nil && kind != "" {
				if in.Type, err = ParseServiceType(kind); err != nil {
					err = errors.New("its serviceType is none of Curator's")
				}
			}
		case "uriSpec":
			in.URISpec, err = decodeURISpec(m)
		case "enabled":
			from.enabled = true
			err = m.truth(&enabled)
		case sideKey:
			side = m.raw
		default:
			from.extra = append(from.extra, m)
		}
		if err != nil {
			return in, "", from, err
		}
	}
	in.Registered = fromMillis(registered)
	in.Disabled = !enabled
	if id != "" && id != name {
		from.node, from.jsonID = name, id
	}
	if side != "" && (payload == "" || !in.takeSide(side)) {
		from.extra = append(from.extra, member{sideKey, side})
	}
	return in, payload, from, nil
}

func decodeURISpec(m member) (URISpec, error) {
	if m.raw == "null" {
		return nil, nil
	}
	if spec, usual := usualURISpec(m.raw); usual {
		return spec, nil
	}
	var raw struct {
		Parts []struct {
			Value    string `json:"value"`
			Variable bool   `json:"variable"`
		} `json:"parts"`
	}
	if m.value(&raw) != nil {
		return nil, errors.New(`its field "uriSpec" is no spec`)
	}
	var spec URISpec
	for _, part := range raw.Parts {
		spec = append(spec, URIPart(part))
	}
	return spec, nil
}

// usualURISpec reads a spec whose bytes are those that Curator writes. For any other text
// the result is false.
func usualURISpec(raw string) (spec URISpec, usual bool) {
	const begin, variable = `{"value":"`, `,"variable":`
	rest, usual := strings.CutPrefix(raw, `{"parts":[`)
	for usual && rest != "]}" {
		if !strings.HasPrefix(rest, begin) {
			return nil, false
		}
		start := len(begin) - 1
		end := stringEnd(rest, start)
		part := URIPart{Value: unquote(rest[start:end])}
		if rest, usual = strings.CutPrefix(rest[end:], variable); !usual {
			return nil, false
		}
		if rest, usual = strings.CutPrefix(rest, "false}"); !usual {
			part.Variable = true
			rest, usual = strings.CutPrefix(rest, "true}")
		}
		if spec == nil {
			spec = make(URISpec, 0, strings.Count(raw, variable))
		}
		spec = append(spec, part)
		if next, more := strings.CutPrefix(rest, ","); more {
			rest = next
		} else {
			usual = usual && rest == "]}"
		}
	}
	if !usual {
		return nil, false
	}
	return spec, true
}

// takeSide reads the field that stands in for the payload. What does not look
// like ours is left to whoever wrote it.
func (in *Instance) takeSide(raw string) bool {
	var side struct {
		Weight   int               `json:"weight"`
		Draining bool              `json:"draining"`
		Metadata map[string]string `json:"metadata"`
	}
	if json.Unmarshal([]byte(raw), &side) != nil || side.Weight < 0 || side.Weight > MaxWeight {
		return false
	}
	in.Weight, in.Draining = side.Weight, side.Draining
	if len(side.Metadata) > 0 {
		in.Metadata = side.Metadata
	}
	return true
}
