package naming

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
)

const (
	dubboWeight    = 100 // Dubbo's weight of a provider without one
	dubboProviders = "providers"
)

// DubboOption changes how Dubbo reads and writes.
type DubboOption func(*dubbo)

// DubboCategory uses the directory of another category than "providers", such
// as "consumers".
func DubboCategory(name string) DubboOption { return func(d *dubbo) { d.category = name } }

// DubboProtocol writes URLs of another protocol than "dubbo", such as "tri",
// for instances without a URISpec.
func DubboProtocol(name string) DubboOption { return func(d *dubbo) { d.protocol = name } }

type dubbo struct {
	category, protocol string
	overrides          []*override // in the order in which they apply
}

// Dubbo is the codec of Apache Dubbo's ZooKeeper registry: an instance is a
// URL, and that URL, encoded as Java's URLEncoder does, is the znode's name:
//
//	/dubbo/org.demo.Orders/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Forg.demo.Orders%3Finterface%3Dorg.demo.Orders%26side%3Dprovider
//
// The data are the host, and are not read. Parameters are in the order of their
// keys, as Dubbo writes them. A change of an instance changes its name; the
// registry then creates the new znode before it deletes the old one.
//
// The parameters weight, timestamp, enabled (Draining is enabled=false),
// disabled and dynamic (Permanent is dynamic=false) are fields of the Instance.
// A parameter default.NAME has effect where NAME is missing, as in Dubbo. The
// codec itself writes interface, side and, outside of providers, category.
// Dubbo's own consumers leave out a provider that is disabled or not enabled. A
// weight of 0 or less is Draining, since Dubbo then sends no calls. A provider
// without a weight has 100. All other parameters are Metadata (warmup, the
// weight of a method, ...), and may also override interface, side and category.
// The URISpec
// holds the protocol and the path of the URL, with {address} and {port} as its
// variables. SSLPort, Payload, Static and DynamicSequential cannot be written.
// Nor can & and ; within a parameter, because Dubbo ends the parameter there.
//
// A service that is opened also follows the rules of operators, as Dubbo's
// consumers do: override:// and absent:// URLs in <interface>/configurators give
// their parameters to the providers, weight and disabled among them. A rule that
// Docent does not apply is an *OverrideError: a rule for one consumer, a rule
// with conditions, and the rules in YAML in config/dubbo.
func Dubbo(opts ...DubboOption) Codec {
	d := &dubbo{category: dubboProviders, protocol: "dubbo"}
	misuse.Apply("naming.Dubbo", d, opts)
	return d
}

func (d *dubbo) Base() string { return "/dubbo" }

func (d *dubbo) InName() bool { return true }

// foreign reports whether a child of the base is a directory of Dubbo 3.
func (d *dubbo) foreign(child string) bool {
	return child == "config" || child == "mapping" || child == "metadata"
}

func (d *dubbo) Dir(base, service string) (string, error) {
	if err := checkName("service", service); err != nil {
		return "", fmt.Errorf("service %q: %w", service, err)
	}
	dir := znode.Join(znode.Join(base, javaEscape(service)), d.category)
	if err := znode.Validate(dir); err != nil {
		return "", fmt.Errorf("service %q: %w", service, err)
	}
	return dir, nil
}

func (d *dubbo) Encode(in Instance) (string, []byte, error) {
	in.ID = ""
	if err := in.Validate(); err != nil {
		return "", nil, err
	}
	text, err := d.url(in)
	if err != nil {
		return "", nil, fmt.Errorf("an instance of service %q: %w", in.Service, err)
	}
	return javaEscape(text), []byte(in.Address), nil
}

func (d *dubbo) url(in Instance) (string, error) {
	switch {
	case in.Address == "" || strings.ContainsAny(in.Address, "/?#@ "):
		return "", errors.New("the address is empty, or has a / ? # @ or blank in it, which a URL cannot have")
	case in.SSLPort != 0:
		return "", errors.New("a URL of Dubbo cannot hold an SSLPort")
	case in.Payload != nil:
		return "", errors.New("a URL of Dubbo cannot hold a payload: use Metadata")
	case in.Type != Dynamic && in.Type != Permanent:
		return "", fmt.Errorf("Dubbo has no %s instances: use DYNAMIC or PERMANENT", in.Type)
	}
	params, err := d.params(in)
	if err != nil {
		return "", err
	}
	protocol, path, err := d.protocolAndPath(in)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(protocol + "://")
	if user := in.from().user; user != "" {
		b.WriteString(user + "@")
	}
	host := strings.Trim(in.Address, "[]")
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	b.WriteString(host)
	if in.Port != 0 {
		b.WriteString(":" + strconv.Itoa(in.Port))
	}
	b.WriteString("/" + path)
	sep := "?"
	for _, key := range slices.Sorted(maps.Keys(params)) {
		b.WriteString(sep + key + "=" + params[key])
		sep = "&"
	}
	return b.String(), nil
}

func (d *dubbo) protocolAndPath(in Instance) (protocol, path string, err error) {
	if in.URISpec == nil {
		return d.protocol, in.Service, nil
	}
	in.Address = "h" // the address itself may hold anything
	protocol, rest, ok := strings.Cut(in.URI(), "://")
	_, path, _ = strings.Cut(rest, "/")
	if !ok || protocol == "" || strings.ContainsAny(protocol, "/?#") || strings.ContainsAny(path, "?#") {
		return "", "", errors.New("its uriSpec does not fit Dubbo: it must be protocol://{address}:{port}/path")
	}
	return protocol, path, nil
}

func (d *dubbo) params(in Instance) (map[string]string, error) {
	params := d.automatic(in.Service)
	for key, value := range in.Metadata {
		if strings.ContainsAny(key, "&;=") || strings.ContainsAny(value, "&;") {
			return nil, fmt.Errorf("the parameter %q has a & or ; in it, or a = in its key, which end a parameter in Dubbo: encode it", key)
		}
		if d.isField(key, value) {
			return nil, fmt.Errorf("the parameter %q is a field of the Instance", key)
		}
		params[key] = value
	}
	for key, value := range d.fields(in) {
		params[key] = value
	}
	return params, nil
}

// automatic returns the parameters that the codec writes by itself.
func (d *dubbo) automatic(service string) map[string]string {
	params := map[string]string{"interface": service, "side": "provider"}
	if d.category != dubboProviders {
		params["category"] = d.category
		params["side"] = strings.TrimSuffix(d.category, "s")
	}
	return params
}

// fields returns the parameters that hold fields of the Instance.
func (d *dubbo) fields(in Instance) map[string]string {
	params := make(map[string]string)
	if in.Weight != 0 && in.Weight != dubboWeight {
		params["weight"] = strconv.Itoa(in.Weight)
	}
	if ms := millis(in.Registered); ms != 0 {
		params["timestamp"] = strconv.FormatInt(ms, 10)
	}
	if in.Type == Permanent {
		params["dynamic"] = "false"
	}
	if in.Draining {
		params["enabled"] = "false"
	}
	if in.Disabled {
		params["disabled"] = "true"
	}
	for key, usual := range dubboFields {
		value, given := in.Metadata[dubboDefault+key]
		_, overridden := in.Metadata[key]
		switch wanted, set := params[key]; {
		case !given:
		case set && wanted == value && !overridden:
			delete(params, key) // the default says it
		case !set && d.isField(key, value):
			params[key] = usual
		}
	}
	return params
}

// dubboFields are the parameters that hold fields, with the values that they
// have where they are missing. The parameter dubboDefault+key stands for a
// missing one.
var dubboFields = map[string]string{
	"weight": strconv.Itoa(dubboWeight), "timestamp": "0", "enabled": "true", "dynamic": "true", "disabled": "false",
}

const dubboDefault = "default."

// isField reports whether Decode would read the parameter into a field.
func (d *dubbo) isField(key, value string) bool {
	switch key {
	case "weight":
		_, _, ok := parseWeight(value)
		return ok
	case "timestamp":
		ms, err := strconv.ParseInt(value, 10, 64)
		return err == nil && ms != 0
	case "enabled", "dynamic":
		return !isTrue(value)
	case "disabled":
		return isTrue(value)
	}
	return false
}

func (d *dubbo) Decode(service, name string, _ []byte) (Instance, error) {
	in := Instance{Service: service, ID: name, Weight: dubboWeight}
	text, err := url.QueryUnescape(name)
	if err != nil || !utf8.ValidString(text) {
		return finish(in, new(origin), errors.New("its name is not encoded as a URL"))
	}
	body, query, _ := strings.Cut(text, "?")
	from, err := in.takeBody(body)
	if err == nil {
		d.takeParams(&in, query)
	}
	return finish(in, &from, err)
}

// takeBody reads protocol://user:password@host:port/path; user, password and
// port may be missing.
func (in *Instance) takeBody(body string) (from origin, err error) {
	protocol, rest, ok := strings.Cut(body, "://")
	if !ok || protocol == "" || strings.ContainsAny(protocol, "/#") {
		return from, errors.New("its URL has no protocol")
	}
	rest, _, _ = strings.Cut(rest, "#")
	authority, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		from.user, authority = authority[:at], authority[at+1:]
	}
	spec := URISpec{{protocol + "://", false}, {"address", true}}
	host, port := authority, ""
	if end := strings.LastIndexByte(authority, ']'); end >= 0 {
		host, port = authority[:end+1], strings.TrimPrefix(authority[end+1:], ":")
	} else if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, '%') { // not before a zone
		host, port = authority[:colon], authority[colon+1:]
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok && (inner == "" || strings.Contains(inner, ":")) {
			host = inner // other hosts keep their brackets, and cannot be called
		}
	}
	if host == "" || strings.ContainsAny(host, " ") {
		return from, errors.New("its URL has no host")
	}
	in.Address = host
	if port != "" {
		if in.Port, err = strconv.Atoi(port); err != nil {
			return from, errors.New("the port of its URL is not a number")
		}
	}
	if in.Port != 0 {
		spec = append(spec, URIPart{":", false}, URIPart{"port", true})
	}
	in.URISpec = append(spec, URIPart{"/" + path, false})
	return from, nil
}

// dubboParams splits the parameters of a URL.
func dubboParams(query string) map[string]string {
	given := make(map[string]string)
	for param := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		key, value, assigned := strings.Cut(param, "=")
		if !assigned {
			value = key // as in Dubbo
		}
		given[key] = value // the last one counts
	}
	return given
}

func (d *dubbo) takeParams(in *Instance, query string) {
	given := dubboParams(query)
	for _, rule := range d.overrides {
		rule.apply(in, given)
	}
	automatic := d.automatic(in.Service)
	for key, value := range given {
		written, always := automatic[key]
		switch {
		case key == "":
		case d.isField(key, value):
			in.takeParam(key, value)
		case !always || written != value:
			if in.Metadata == nil {
				in.Metadata = make(map[string]string)
			}
			in.Metadata[key] = value
		}
	}
	for key := range dubboFields {
		_, direct := given[key]
		if value, ok := given[dubboDefault+key]; ok && !direct && d.isField(key, value) {
			in.takeParam(key, value)
		}
	}
}

func (in *Instance) takeParam(key, value string) {
	switch key {
	case "weight":
		weight, draining, _ := parseWeight(value) // isField has checked that it is a number
		if draining {
			in.Draining = true
			return
		}
		in.Weight = weight
	case "timestamp":
		ms, _ := strconv.ParseInt(value, 10, 64)
		in.Registered = fromMillis(ms)
	case "enabled":
		in.Draining = true
	case "dynamic":
		in.Type = Permanent
	case "disabled":
		in.Disabled = true
	}
}

// javaEscape encodes as java.net.URLEncoder does: letters, digits and . - * _
// stay, a blank becomes +, everything else becomes its UTF-8 in capital
// hexadecimals.
func javaEscape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(".-*_", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
