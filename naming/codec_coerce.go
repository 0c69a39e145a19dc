package naming

import (
	"math"
	"strconv"
	"strings"
)

// The functions of this file read the value of a field as Jackson does, which
// is Curator's JSON library: a number in quotes is a number, a number is a text
// where a text is asked for, a fraction is cut. They leave to unchanged for a
// null.

func (m member) text(to *string) error {
	switch m.raw[0] {
	case 'n':
	case '"':
		*to = unquote(m.raw)
	case '{', '[':
		return m.unfit("a text")
	default: // a number, true or false
		*to = m.raw
	}
	return nil
}

// port reads a number of 32 bits.
func (m member) port(to *int) error {
	n := int64(*to)
	if err := m.integer(&n); err != nil {
		return err
	}
	if n < math.MinInt32 || n > math.MaxInt32 {
		return m.unfit("a number of 32 bits")
	}
	*to = int(n)
	return nil
}

// integer reads a number of 64 bits.
func (m member) integer(to *int64) error {
	text := m.raw
	switch text[0] {
	case 'n':
		return nil
	case '"':
		if text = javaTrim(unquote(text)); text == "" || text == "null" {
			return nil
		}
	case '{', '[', 't', 'f':
		return m.unfit("a whole number")
	default:
		if strings.ContainsAny(text, ".eE") {
			return m.fraction(to)
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return m.unfit("a whole number")
	}
	*to = n
	return nil
}

// fraction reads what is before the point of a number.
func (m member) fraction(to *int64) error {
	const tooMuch = 1 << 63
	n, err := strconv.ParseFloat(m.raw, 64)
	switch {
	case err != nil || n < -tooMuch || n > tooMuch:
		return m.unfit("a number of 64 bits")
	case n == tooMuch:
		*to = math.MaxInt64
	default:
		*to = int64(n)
	}
	return nil
}

// truth reads true or false. Unlike in the other functions, null and a text
// without letters are false.
func (m member) truth(to *bool) error {
	text := m.raw
	switch text[0] {
	case '"':
		text = javaTrim(unquote(text))
	case '{', '[':
		return m.unfit("true or false")
	}
	switch text {
	case "true":
		*to = true
		return nil
	case "false", "null":
		*to = false
		return nil
	}
	if m.raw[0] == '"' {
		switch text {
		case "True", "TRUE":
			*to = true
		case "False", "FALSE", "":
			*to = false
		default:
			return m.unfit("true or false")
		}
		return nil
	}
	if strings.ContainsAny(text, ".eE") {
		return m.unfit("true or false")
	}
	*to = text != "0" && text != "-0"
	return nil
}

// serviceType reads the name of a type, or its place in the list of types.
func (m member) serviceType(to *ServiceType) error {
	text := m.raw
	switch text[0] {
	case 'n':
		return nil
	case '"':
		text = javaTrim(unquote(text))
		if kind, err := ParseServiceType(text); err == nil {
			*to = kind
			return nil
		}
	case '-':
		if text == "-0" {
			text = "0"
		}
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n >= uint64(len(serviceTypes)) {
		return m.unfit("a service type of Curator's")
	}
	*to = ServiceType(n)
	return nil
}

// javaTrim is String.trim in Java.
func javaTrim(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }) }

// uriSpec reads a spec that is an object, as Curator writes it, or a text as
// ParseURISpec reads it.
func (m member) uriSpec(to *URISpec) error {
	switch m.raw[0] {
	case 'n':
		return nil
	case '"':
		spec, err := ParseURISpec(unquote(m.raw))
		if err != nil {
			return m.unfit("a uriSpec")
		}
		*to = spec
		return nil
	case '{':
	default:
		return m.unfit("a uriSpec")
	}
	if spec, usual := usualURISpec(m.raw); usual {
		*to = spec
		return nil
	}
	var few [fewMembers]member
	var spec URISpec
	for _, part := range split(few[:0], m.raw) {
		if part.key != "parts" || part.raw == "null" {
			continue
		}
		if part.raw[0] != '[' {
			return m.unfit("a uriSpec")
		}
		for element := range listed(part.raw) {
			p, err := member{m.key, element}.uriPart()
			if err != nil {
				return err
			}
			spec = append(spec, p)
		}
	}
	*to = spec
	return nil
}

func (m member) uriPart() (p URIPart, err error) {
	if m.raw[0] != '{' {
		return p, m.unfit("a uriSpec")
	}
	var few [fewMembers]member
	for _, field := range split(few[:0], m.raw) {
		switch field.key {
		case "value":
			err = field.text(&p.Value)
		case "variable":
			err = field.truth(&p.Variable)
		}
		if err != nil {
			return p, m.unfit("a uriSpec")
		}
	}
	return p, nil
}
