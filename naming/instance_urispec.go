package naming

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// URISpec says how to build a URI from an instance: literal text and variables,
// in order. It is Curator's UriSpec. The zero value builds an empty URI.
type URISpec []URIPart

// URIPart is one piece of a URISpec.
type URIPart struct {
	Value    string // the text, or the name of the variable
	Variable bool
}

// ParseURISpec reads a spec such as "{scheme}://{address}:{port}/v1", as Curator
// does. Blanks around the name of a variable are ignored, and so is a variable
// without a name. {[} and {]} are braces.
func ParseURISpec(text string) (URISpec, error) {
	var spec URISpec
	for text != "" {
		at := strings.IndexAny(text, "{}")
		switch {
		case at < 0:
			return append(spec, URIPart{Value: text}), nil
		case text[at] == '}':
			return nil, errors.New("invalid uriSpec: } without a { before it")
		case at > 0:
			spec = append(spec, URIPart{Value: text[:at]})
		}
		text = text[at+1:]
		end := strings.IndexAny(text, "{}")
		switch {
		case end < 0:
			return nil, errors.New("invalid uriSpec: { without a } after it")
		case text[end] == '{':
			return nil, errors.New("invalid uriSpec: { within a variable")
		}
		if name := javaTrim(text[:end]); name != "" {
			spec = append(spec, URIPart{Value: name, Variable: true})
		}
		text = text[end+1:]
	}
	return spec, nil
}

// String returns the spec in the form that ParseURISpec reads.
func (s URISpec) String() string {
	var b strings.Builder
	for _, part := range s {
		if part.Variable {
			b.WriteString("{" + part.Value + "}")
			continue
		}
		for _, r := range part.Value {
			switch r {
			case '{':
				b.WriteString("{[}")
			case '}':
				b.WriteString("{]}")
			default:
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// Build replaces the variables by their values. They are Curator's: scheme
// (https if the instance has an SSLPort, else http), name, id, address, port,
// ssl-port, registration-time-utc, service-type (in lower case), and [ and ]
// for braces. Variables in vars override these. A variable that is not known,
// and a port that the instance does not have, become empty. An IPv6 address
// gets brackets, unless the text before it ends with one.
func (s URISpec) Build(in Instance, vars map[string]string) string {
	var b strings.Builder
	for _, part := range s {
		if !part.Variable {
			b.WriteString(part.Value)
		} else if value, given := vars[part.Value]; given {
			b.WriteString(value)
		} else {
			value := in.variable(part.Value)
			if part.Value == "address" {
				value = uriHost(value, strings.HasSuffix(b.String(), "["))
			}
			b.WriteString(value)
		}
	}
	return b.String()
}

// uriHost returns an address as it is written in a URI. bracketed says that the
// URI already has a bracket.
func uriHost(address string, bracketed bool) string {
	bare := strings.Trim(address, "[]")
	ip, err := netip.ParseAddr(bare)
	if err != nil || !ip.Is6() {
		return address
	}
	if ip.Zone() != "" { // any text of the registry, as far as netip is concerned
		bare = strings.TrimSuffix(bare, ip.Zone()) + "25" + url.QueryEscape(ip.Zone())
	}
	if bracketed {
		return bare
	}
	return "[" + bare + "]"
}

func (in Instance) variable(name string) string {
	port := func(p int) string {
		if p == 0 {
			return ""
		}
		return strconv.Itoa(p)
	}
	switch name {
	case "scheme":
		if in.SSLPort != 0 {
			return "https"
		}
		return "http"
	case "name":
		return in.Service
	case "id":
		return in.ID
	case "address":
		return in.Address
	case "port":
		return port(in.Port)
	case "ssl-port":
		return port(in.SSLPort)
	case "registration-time-utc":
		return strconv.FormatInt(millis(in.Registered), 10)
	case "service-type":
		return strings.ToLower(in.Type.String())
	case "[":
		return "{"
	case "]":
		return "}"
	}
	return ""
}
