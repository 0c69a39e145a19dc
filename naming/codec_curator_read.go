package naming

import (
	"encoding/json"
	"slices"
	"strings"
)

func (c *curator) Decode(service, name string, data []byte) (Instance, error) {
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

func (c *curator) read(service, name, text string) (Instance, error) {
	in, payload, from, err := decodeCurator(service, name, text)
	if err == nil {
		in.takePayload(payload, &from)
	}
	return finish(in, &from, err)
}

// finish checks an instance that was read, and sets its origin.
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
		o.beanID == "" && o.beanName == "" && len(o.beanExtra) == 0 && o.user == "" && !o.unweighted
}

// takePayload reads a map of strings into the fields that it holds. It keeps
// any other payload as it is.
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

// textOf returns the value of a field that holds a string.
func textOf(all []member, key string) (text string, found bool) {
	for _, m := range all {
		if m.key == key {
			return unquote(m.raw), true
		}
	}
	return "", false
}

// take reads the metadata and the weight. All fields hold strings.
func (in *Instance) take(all []member) {
	if text, found := textOf(all, weightKey); found {
		if weight, draining, ok := parseWeight(text); ok {
			in.Weight, in.Draining = weight, in.Draining || draining
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

// decodeCurator reads everything but the contents of the payload, which it
// returns as text. The text is empty without a payload.
func decodeCurator(service, name, text string) (in Instance, payload string, from origin, err error) {
	in = Instance{Service: service, ID: name}
	var few [fewMembers]member
	all, err := members(few[:0], text)
	if err != nil {
		return in, "", from, err
	}
	enabled := true
	var id, side string
	var registered int64
	for _, m := range all {
		err := error(nil)
		switch m.key {
		case "name":
			// The directory gives the service's name, as the znode's name gives
			// the id.
			err = m.text(new(string))
		case "id":
			err = m.text(&id)
		case "address":
			err = m.text(&in.Address)
		case "port":
			err = m.port(&in.Port)
		case "sslPort":
			err = m.port(&in.SSLPort)
		case "payload":
			if m.raw != "null" {
				payload = m.raw
			}
		case "registrationTimeUTC":
			err = m.integer(&registered)
		case "serviceType":
			err = m.serviceType(&in.Type)
		case "uriSpec":
			err = m.uriSpec(&in.URISpec)
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

// usualURISpec reads a spec in exactly the bytes that Curator writes. For any
// other text the result is false.
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

// takeSide reads the field that replaces the payload. It returns false for a
// field of another program, which is then kept as an unknown field.
func (in *Instance) takeSide(raw string) bool {
	var side struct {
		Weight   json.Number       `json:"weight"`
		Draining bool              `json:"draining"`
		Metadata map[string]string `json:"metadata"`
	}
	if json.Unmarshal([]byte(raw), &side) != nil {
		return false
	}
	weight, draining, ok := parseWeight(side.Weight.String())
	if !ok && side.Weight != "" {
		return false
	}
	in.Weight, in.Draining = weight, side.Draining || draining
	if len(side.Metadata) > 0 {
		in.Metadata = side.Metadata
	}
	return true
}
