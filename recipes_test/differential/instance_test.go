//go:build unix

package differential

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/recipes_test/peers"
)

// seen is an instance as a Java program sees it.
type seen struct {
	Name, ID, Address *string
	Port, SSLPort     *int
	Time              int64
	Type              *string
	Enabled           bool
	Spec              []specPart
	URI               *string
	Class             *string
	Payload           any
	Broken            bool // the uriSpec was read, and fails when it is used
}

type specPart struct {
	Value    *string
	Variable bool
}

// What Curator makes of the data of a znode in its layout, Docent makes of it.
func TestInstance(t *testing.T) {
	java, d, c := curator(t), throw(t), newTally(t)
	for done := 0; done < amount(t); done += atOnce {
		values := make([][]byte, min(atOnce, amount(t)-done))
		for i := range values {
			values[i] = d.instanceJSON()
		}
		for i, theirs := range java.Ask(t, "instance", values...) {
			c.count(compareInstance(t, naming.Curator(), values[i], theirs), values[i])
		}
	}
	c.needs("port", "payload", "not UTF-8")
}

func compareInstance(t *testing.T, codec naming.Codec, value []byte, theirs peers.Answer) outcome {
	t.Helper()
	in, err := codec.Decode("svc", "i1", value)
	switch {
	case theirs.Refused && theirs.Field == "payload":
		return outcome{explained: "payload"}
	case theirs.Refused && err != nil:
		return outcome{rejected: true}
	case theirs.Refused && strings.Contains(theirs.Text, "out of range of long"):
		return outcome{explained: "19 digits"}
	case theirs.Refused && bytes.Count(value, []byte(`"`+theirs.Field+`"`)) > 1:
		return outcome{explained: "key twice"}
	case theirs.Refused:
		return outcome{what: fmt.Sprintf("Curator rejects it (%s), and Docent reads %+v", theirs.Text, in)}
	case err != nil:
		return outcome{explained: whyRejected(value, theirs, err), what: fmt.Sprintf("Docent rejects it (%v), and Curator reads %s", err, theirs.Text)}
	}
	var s seen
	require.NoError(t, json.Unmarshal([]byte(theirs.Text), &s), theirs.Text)
	what, explained := s.differs(in)
	if what != "" && explained == "" && bytes.Count(value, []byte(`"@class"`)) > 1 {
		explained = "class twice"
	}
	if what != "" && explained == "" && bytes.Contains(value, []byte(`\ud`)) {
		explained = "surrogate"
	}
	return outcome{alike: what == "", explained: explained, what: fmt.Sprintf("%s\nCurator: %s\nDocent: %+v", what, theirs.Text, in)}
}

// whyRejected returns the name of the explanation for an error of Docent's.
func whyRejected(value []byte, theirs peers.Answer, err error) string {
	if strings.Contains(theirs.Text, `"broken":true`) {
		return "null part"
	}
	for part, name := range map[string]string{
		"is not valid UTF-8": "not UTF-8", "is not within 0 to 65535": "port", "control characters": "control character",
	} {
		if strings.Contains(err.Error(), part) {
			return name
		}
	}
	if bytes.IndexByte(value, 0) >= 0 && strings.Contains(err.Error(), "not JSON") {
		return "not UTF-8" // UTF-16
	}
	if strings.Contains(err.Error(), "a whole number") && (bytes.Contains(value, []byte("٨")) || bytes.Contains(value, []byte("８"))) {
		return "digits"
	}
	return ""
}

func or[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// differs returns how the instance that Java sees differs from Docent's, and
// the name of an explanation.
func (s seen) differs(in naming.Instance) (what, explained string) {
	registered := in.Registered.UnixMilli()
	if in.Registered.IsZero() {
		registered = 0
	}
	switch kind := or(s.Type); {
	case or(s.Address) != in.Address:
		return "the address", ""
	case or(s.Port) != in.Port:
		return "the port", ""
	case or(s.SSLPort) != in.SSLPort:
		return "the SSL port", ""
	case s.Time != registered && in.Registered.IsZero():
		return "the time", "time"
	case s.Time > registered && in.Registered.Year() == lastYear:
		return "the time", "late time"
	case s.Time != registered:
		return "the time", ""
	case kind != in.Type.String() && (s.Type != nil || in.Type != naming.Dynamic):
		return "the type", ""
	case s.Enabled == in.Disabled:
		return "enabled", ""
	}
	if what := s.payloadDiffers(in); what != "" {
		if theirs, err := json.Marshal(s.Payload); err == nil && bytes.Contains(theirs, []byte("Infinity")) {
			explained = "large number"
		}
		return what, explained
	}
	if s.Broken {
		return "the uriSpec", "null part"
	}
	if !sameSpec(s.Spec, in.URISpec) {
		return "the uriSpec", ""
	}
	for _, part := range s.Spec {
		if part.Value == nil {
			explained = "null part"
		}
	}
	// Docent takes the name and the id from the path.
	vars := map[string]string{"name": or(s.Name), "id": or(s.ID)}
	if s.Type == nil {
		vars["service-type"] = "" // a type that is null is DYNAMIC for Docent
	}
	uri := in.URISpec.Build(in, vars)
	switch {
	case or(s.URI) == uri:
		return "", ""
	case explained != "":
	case strings.Contains(in.Address, ":"):
		explained = "IPv6"
	case s.Port != nil && *s.Port == 0, s.SSLPort != nil && *s.SSLPort == 0:
		explained = "port 0"
	}
	return "the URI " + uri, explained
}

// sameSpec compares two specs. A variable without a name stands for nothing: a
// spec that is a text loses it in Docent alone.
func sameSpec(theirs []specPart, ours naming.URISpec) bool {
	theirs = slices.DeleteFunc(slices.Clone(theirs), func(p specPart) bool { return or(p.Value) == "" && p.Variable })
	ours = slices.DeleteFunc(slices.Clone(ours), func(p naming.URIPart) bool { return p.Value == "" && p.Variable })
	return slices.EqualFunc(theirs, ours, func(a specPart, b naming.URIPart) bool {
		return or(a.Value) == b.Value && a.Variable == b.Variable
	})
}

// payloadDiffers compares the payload, which is in several fields of Docent's.
func (s seen) payloadDiffers(in naming.Instance) string {
	if in.Payload == nil {
		fields, _ := s.Payload.(map[string]any)
		if s.Payload != nil && fields == nil {
			return "the payload is not a map"
		}
		return fieldsDiffer(fields, in)
	}
	if s.Payload == nil && bytes.HasPrefix(in.Payload, []byte(`["`)) && !bytes.Contains(in.Payload, []byte(",")) {
		return "" // a class without a value
	}
	var ours any
	if err := naming.UnmarshalPayload(in.Payload, &ours); err != nil {
		return err.Error()
	}
	if fields, ok := ours.(map[string]any); ok && s.Class != nil && naming.PayloadClass(in.Payload) != "" {
		delete(fields, "@class")
		if *s.Class == "Services$Details" { // it has two fields
			theirs, _ := s.Payload.(map[string]any)
			for key := range theirs {
				if _, there := fields[key]; !there {
					delete(theirs, key)
				}
			}
			for key := range fields {
				if _, there := theirs[key]; !there {
					delete(fields, key)
				}
			}
		}
	}
	if text, quoted := ours.(string); quoted && or(s.Class) == "java.lang.Long" {
		n, err := strconv.ParseFloat(text, 64)
		if err == nil {
			ours = n
		}
	}
	if !reflect.DeepEqual(ours, s.Payload) {
		return fmt.Sprintf("the payload: %v and %v", s.Payload, ours)
	}
	return ""
}

// fieldsDiffer compares a map of strings with the fields that Docent reads from
// it.
func fieldsDiffer(theirs map[string]any, in naming.Instance) string {
	weight, draining := 0, false
	metadata := make(map[string]string)
	for key, value := range theirs {
		text, ok := value.(string)
		if !ok {
			return "the payload holds other things than texts"
		}
		n, err := strconv.ParseInt(text, 10, 32)
		switch {
		case key == "weight" && err == nil && n > 0:
			weight = int(min(n, naming.MaxWeight))
		case key == "weight" && err == nil:
			draining = true
		case key == "draining" && text == "true":
			draining = true
		case key == "draining" && text == "false":
		default:
			metadata[key] = text
		}
	}
	if weight != in.Weight || draining != in.Draining {
		return "the weight or draining"
	}
	if len(metadata) != len(in.Metadata) || len(metadata) > 0 && !reflect.DeepEqual(metadata, in.Metadata) {
		return "the metadata"
	}
	return ""
}

// What Docent writes, Curator reads as it was meant, and would write with the
// same bytes.
func TestInstanceBack(t *testing.T) {
	java, d, c := curator(t), throw(t), newTally(t)
	enabled := naming.Curator(naming.CuratorEnabled())
	for done := 0; done < amount(t); done += atOnce {
		var all []naming.Instance
		var values, plain [][]byte
		for range min(atOnce, amount(t)-done) {
			in := d.instance(t)
			_, data, err := enabled.Encode(in)
			require.NoError(t, err)
			values = append(values, data)
			_, data, err = naming.Curator().Encode(in)
			require.NoError(t, err)
			plain = append(plain, data)
			all = append(all, in)
		}
		again := java.Ask(t, "instance again", values...)
		compatible := java.Ask(t, "instance again, compatible", plain...)
		maps := java.Ask(t, "instance of a map", values...)
		for i, theirs := range java.Ask(t, "instance", values...) {
			o := compareInstance(t, enabled, values[i], theirs)
			switch in := all[i]; {
			case !o.alike:
			case in.Payload == nil && !sameBytes(again[i].Text, string(values[i])):
				o = outcome{what: "Curator writes " + again[i].Text}
			case in.Payload == nil && !in.Disabled && !sameBytes(compatible[i].Text, string(plain[i])):
				o = outcome{what: "Curator writes in the compatible mode " + compatible[i].Text}
			case in.Payload == nil && maps[i].Refused:
				o = outcome{what: "not read as a map: " + maps[i].Text}
			}
			c.count(o, values[i])
		}
	}
	c.needs("IPv6")
}

// sameBytes reports whether two texts are equal. The order of the fields of a
// payload does not count: a HashMap has none.
func sameBytes(a, b string) bool {
	sorted := func(text string) string {
		from := strings.Index(text, `"payload":`)
		to := strings.Index(text, `,"registrationTimeUTC"`)
		fields := strings.Split(strings.Trim(text[from+len(`"payload":`):to], "{}"), ",")
		slices.Sort(fields)
		return text[:from] + strings.Join(fields, ",") + text[to:]
	}
	return sorted(a) == sorted(b)
}

// instance makes an instance as a program of Docent's registers it.
func (d dice) instance(t *testing.T) naming.Instance {
	t.Helper()
	in := naming.Instance{
		Service: "svc", ID: "i1", Address: pick(d, "", "10.0.0.1", "h.example.org", "::1", "fe80::1%eth0", "[2001:db8::1]", "xn--bcher-kva.example"),
		Port: pick(d, 0, 80, 8080, 65535), SSLPort: pick(d, 0, 0, 443), Type: naming.ServiceType(d.IntN(4)), Registered: fromMillis(d.Int64N(4e12)),
		Disabled: d.in(5), Draining: d.in(5), Weight: pick(d, 0, 0, 1, 7, naming.MaxWeight),
	}
	if d.in(2) {
		in.Metadata = make(map[string]string)
		for range 1 + d.IntN(3) {
			in.Metadata[pick(d, "zone", "k", "é", "a b", "\"", "\u2028", "<&>", "😀", "weighty")+strconv.Itoa(d.IntN(5))] = d.text()
		}
	}
	if d.in(3) {
		spec, err := naming.ParseURISpec(pick(d, "{scheme}://{address}:{port}", "{scheme}://{address}/{name}?{id}", "{[}{ssl-port}{]}", "x", "http://[{address}]"))
		require.NoError(t, err)
		in.URISpec = spec
	}
	if d.in(4) {
		in.Payload = json.RawMessage(pick(d, `"text"`, `7`, `true`, `["java.lang.Long",7]`, `["java.util.ArrayList",["a"]]`, `{"@class":"Services$Details","zone":"c","weight":5}`, `{"@class":"java.util.HashMap","n":1}`))
	}
	return in
}

// text is a text with characters of all kinds.
func (d dice) text() string {
	var b strings.Builder
	for range d.IntN(6) {
		b.WriteRune(pick(d, 'a', 'Z', '0', ' ', '"', '\\', '/', '<', '\t', '\n', '\x01', '\x1f', '\x7f', '\x80', 'é', '€', '\u2028', '\ufeff', '\ufffd', '😀', rune(d.IntN(0xd800))))
	}
	return b.String()
}
