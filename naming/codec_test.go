package naming_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
)

func sample() naming.Instance {
	return naming.Instance{Service: "svc", ID: "i1", Address: "10.0.0.1", Port: 8080, Registered: time.UnixMilli(1)}
}

func encoded(t *testing.T, codec naming.Codec, in naming.Instance) string {
	t.Helper()
	_, data, err := codec.Encode(in)
	require.NoError(t, err)
	return string(data)
}

func decoded(t *testing.T, codec naming.Codec, node, data string) naming.Instance {
	t.Helper()
	in, err := codec.Decode("svc", node, []byte(data))
	require.NoError(t, err)
	return in
}

// These bytes are Curator's own.
func TestCuratorGolden(t *testing.T) {
	const (
		head = `{"name":"svc","id":"i1","address":"10.0.0.1","port":8080,"sslPort":null,"payload":`
		tail = `,"registrationTimeUTC":1,"serviceType":"DYNAMIC","uriSpec":null`
	)
	bean := sample()
	bean.Payload = json.RawMessage(`{"@class":"pkg.Outer$Inner","a":1}`)
	disabled := sample()
	disabled.Disabled = true
	meta := sample()
	meta.Metadata = map[string]string{"zone": "a\u2028<&>\x1f\x7f\"é", "b": ""}
	meta.Weight, meta.Draining = 3, true
	both := bean
	both.Weight, both.Draining, both.Metadata = 3, true, map[string]string{"zone": "a"}
	spec := sample()
	spec.URISpec, _ = naming.ParseURISpec("{scheme}://{address}")
	spec.Type, spec.Address, spec.Port, spec.SSLPort = naming.DynamicSequential, "", 0, 443
	for _, c := range []struct {
		codec naming.Codec
		in    naming.Instance
		want  string
	}{
		{naming.Curator(), sample(), head + "null" + tail + "}"},
		{naming.Curator(naming.CuratorEnabled()), sample(), head + "null" + tail + `,"enabled":true}`},
		{naming.Curator(), disabled, head + "null" + tail + `,"enabled":false}`},
		{naming.Curator(), bean, head + `{"@class":"pkg.Outer$Inner","a":1}` + tail + "}"},
		{naming.Curator(), meta, head + "{\"@class\":\"java.util.HashMap\",\"b\":\"\",\"draining\":\"true\",\"weight\":\"3\",\"zone\":\"a\u2028<&>\\u001F\x7f\\\"é\"}" + tail + "}"},
		{naming.Curator(), both, head + `{"@class":"pkg.Outer$Inner","a":1}` + tail + `,"docent":{"weight":3,"draining":true,"metadata":{"zone":"a"}}}`},
		{naming.Curator(), spec, `{"name":"svc","id":"i1","address":null,"port":null,"sslPort":443,"payload":null,"registrationTimeUTC":1,"serviceType":"DYNAMIC_SEQUENTIAL","uriSpec":{"parts":[{"value":"scheme","variable":true},{"value":"://","variable":false},{"value":"address","variable":true}]}}`},
	} {
		require.Equal(t, c.want, encoded(t, c.codec, c.in))
	}
}

func TestCuratorReadsWhatCuratorReads(t *testing.T) {
	in := decoded(t, naming.Curator(), "i1", `{}`)
	require.True(t, in.Equal(naming.Instance{Service: "svc", ID: "i1"}), "%+v", in)
	require.True(t, in.Available())
	for _, payload := range []string{
		`{"@class":"a.B","x":"y"}`, `["java.util.ArrayList",["a","b"]]`, `["java.lang.Long",7]`, `"text"`, `7`, `1.5`, `false`, `{"@class":"java.util.HashMap","n":5}`,
	} {
		in := decoded(t, naming.Curator(), "i1", `{"name":"svc","payload":`+payload+`}`)
		require.Equal(t, payload, string(in.Payload))
		require.Equal(t, `{"name":"svc","payload":`+payload+`}`, encoded(t, naming.Curator(), in))
	}
	for _, payload := range []string{`{"@class":"java.util.LinkedHashMap","a":"b"}`, `{"a":"b"}`, `{}`, `{"@class":"java.util.HashMap"}`} {
		in := decoded(t, naming.Curator(), "i1", `{"payload":`+payload+`}`)
		require.Nil(t, in.Payload)
		require.Equal(t, `{"payload":`+payload+`}`, encoded(t, naming.Curator(), in), "the shape is kept")
		in.Weight, in.Metadata = 3, map[string]string{"a": "b"}
		rest, ended := strings.CutSuffix(payload, `"a":"b"}`)
		if !ended {
			rest = strings.TrimSuffix(payload, "}")
		}
		require.Contains(t, encoded(t, naming.Curator(), in), `{"payload":`+rest, "the shape is kept")
	}
	in = decoded(t, naming.Curator(), "i1", `{"payload":{"@class":"java.util.HashMap","weight":"heavy","draining":"soon"}}`)
	require.Equal(t, map[string]string{"weight": "heavy", "draining": "soon"}, in.Metadata, "an odd weight loses no instance")
	require.False(t, in.Draining)
	require.Contains(t, encoded(t, naming.Curator(), in), `"weight":"heavy","draining":"soon"`)
}

// Fields that Curator will have one day survive an update by us.
func TestCuratorKeepsUnknownFields(t *testing.T) {
	in := decoded(t, naming.Curator(), "i10000000007",
		`{"future":{"a":[1]},"id":"i1","enabled":true,"serviceType":"DYNAMIC_SEQUENTIAL","docent":"not ours","last":null}`)
	in.Weight, in.Port = 5, 80
	require.Equal(t, `{"future":{"a":[1]},"id":"i1","enabled":true,"serviceType":"DYNAMIC_SEQUENTIAL","docent":"not ours","last":null,`+
		`"port":80,"payload":{"@class":"java.util.HashMap","weight":"5"}}`,
		encoded(t, naming.Curator(), in))
	in.Payload = json.RawMessage(`7`)
	require.Equal(t, 1, strings.Count(encoded(t, naming.Curator(), in), "docent"))
	in.ID = "other"
	require.Contains(t, encoded(t, naming.Curator(), in), `"id":"other"`)
}

// Hard case 61: one bad instance is an error of its own, whatever its data are.
func TestHardCase61_MalformedInstance(t *testing.T) {
	for _, codec := range []naming.Codec{naming.Curator(), naming.Spring()} {
		for data, reason := range map[string]string{
			"":                              "empty",
			"  ":                            "empty",
			"\x00":                          "not JSON",
			`{"name":"svc","payload":"secr`: "not JSON, from byte 29 on",
			`{}x`[1:]:                       "not JSON",
			`null`:                          "not an object",
			`[]`:                            "not an object",
			"{\"a\":\"\xff\"}":              "UTF-8",
			`{"port":"secret"}`:             `"port"`,
			`{"port":70000}`:                "70000",
			`{"sslPort":-1}`:                "-1",
			`{"port":99999999999999999999}`: `"port"`,
			`{"serviceType":"secret"}`:      "serviceType",
			`{"uriSpec":"{secret"}`:         "uriSpec",
			`{"enabled":"secret"}`:          `"enabled"`,
			`{"address":"a\u0000b"}`:        "control",
			strings.Repeat("[", 1e5):        "not JSON",
			`{"payload":` + strings.Repeat(`{"a":`, 2e4) + `}`: "not JSON",
		} {
			in, err := codec.Decode("svc", "i1", []byte(data))
			var bad *naming.MalformedError
			require.ErrorAs(t, err, &bad, "%.40q", data)
			require.Equal(t, [2]string{"svc", "i1"}, [2]string{bad.Service, bad.Node})
			require.ErrorContains(t, err, reason, "%.40q", data)
			require.ErrorContains(t, err, `instance "i1" of service "svc"`)
			require.NotContains(t, err.Error(), "secret")
			require.Zero(t, in)
		}
	}
	for _, node := range []string{"", "x", "%", "%zz", "dubbo%3A%2F%2F", "dubbo%3A%2F%2Fh%3Ax", "dubbo%3A%2F%2Fh%3A70000", "%3A%2F%2Fh", "a%3A%2F%2Fh%ff", "a%3A%2F%2F%5B%5D"} {
		_, err := naming.Dubbo().Decode("svc", node, nil)
		var bad *naming.MalformedError
		require.ErrorAs(t, err, &bad, node)
		require.Equal(t, node, bad.Node)
	}
	_, err := naming.Dubbo().Decode("svc", "dubbo%3A%2F%2Fme%3Asecret%40h%3Ax", nil)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}

func TestSpringGolden(t *testing.T) {
	in := sample()
	in.Metadata = map[string]string{"zone": "a", "draining": "true"}
	in.Weight = 3
	const head, tail = `{"name":"svc","id":"i1","address":"10.0.0.1","port":8080,"sslPort":null,"payload":{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance",`,
		`},"registrationTimeUTC":1,"serviceType":"DYNAMIC","uriSpec":{"parts":[{"value":"scheme","variable":true},{"value":"://","variable":false},{"value":"address","variable":true},{"value":":","variable":false},{"value":"port","variable":true}]}}`
	require.Equal(t, head+`"id":"i1","name":"svc","metadata":{"draining":"true","instance_status":"UP","weight":"3","zone":"a"}`+tail, encoded(t, naming.Spring(), in))
	in.Draining = true
	require.Contains(t, encoded(t, naming.Spring(), in), `"instance_status":"OUT_OF_SERVICE"`)

	// As Spring writes it, with an id of its own.
	theirs := head + `"id":"TestApp-1","name":"TestApp","metadata":{"instance_status":"DOWN"},"more":1` + tail
	in = decoded(t, naming.Spring(), "i1", theirs)
	require.True(t, in.Draining, "any status but UP is out of use")
	require.Equal(t, theirs, encoded(t, naming.Spring(), in))
	in.Draining = false
	require.Contains(t, encoded(t, naming.Spring(), in), `"id":"TestApp-1","name":"TestApp","metadata":{"instance_status":"UP"},"more":1`)

	in = decoded(t, naming.Spring(), "i1", head+`"id":"a","name":"b","metadata":{"k":null}`+tail)
	require.True(t, in.Available(), "no status is UP")
	require.Nil(t, in.Metadata)
	_, err := naming.Spring().Decode("svc", "i1", []byte(head+`"metadata":{"k":[7]}`+tail))
	require.ErrorContains(t, err, "an object or a list")
	in = decoded(t, naming.Spring(), "i1", `{"payload":["java.lang.Long",7]}`)
	require.Equal(t, `["java.lang.Long",7]`, string(in.Payload))
	_, _, err = naming.Spring().Encode(in)
	require.ErrorContains(t, err, "the payload of a Spring instance is fixed")
	require.Equal(t, "http://10.0.0.1:8080", decoded(t, naming.Spring(), "i1", theirs).URI())
}

func TestDubboGolden(t *testing.T) {
	in := naming.Instance{
		Service: "org.demo.Orders", Address: "10.0.0.1", Port: 20880, Registered: time.UnixMilli(1600000000000).UTC(), Weight: 200,
		Metadata: map[string]string{"methods": "get,put", "version": "1.0.0", "group": "a b", "anyhost": "true"},
	}
	name, data, err := naming.Dubbo().Encode(in)
	require.NoError(t, err)
	require.Equal(t, "10.0.0.1", string(data))
	require.Equal(t, "dubbo%3A%2F%2F10.0.0.1%3A20880%2Forg.demo.Orders%3Fanyhost%3Dtrue%26group%3Da+b%26interface%3Dorg.demo.Orders"+
		"%26methods%3Dget%2Cput%26side%3Dprovider%26timestamp%3D1600000000000%26version%3D1.0.0%26weight%3D200", name)

	dir, err := naming.Dubbo().Dir("/dubbo", "org.demo.Orders$In é")
	require.NoError(t, err)
	require.Equal(t, "/dubbo/org.demo.Orders%24In+%C3%A9/providers", dir)
	require.True(t, naming.Dubbo().InName())

	read := func(name string) naming.Instance {
		in, err := naming.Dubbo().Decode("a.B", name, nil)
		require.NoError(t, err)
		return in
	}
	got := read("tri%3A%2F%2Fme%3Apw%4010.0.0.2%3A50051%2Fctx%2Fa.B%3Fdisabled%3DTrue%26weight%3D0%26lone%26interface%3Da.B%26k%3D1%3D2%3Bz%3D")
	require.Equal(t, "10.0.0.2:50051", got.HostPort())
	require.True(t, got.Disabled)
	require.True(t, got.Draining, "Dubbo sends nothing to weight 0")
	require.Equal(t, 100, got.Weight)
	require.Equal(t, map[string]string{"lone": "lone", "k": "1=2", "z": ""}, got.Metadata)
	require.Equal(t, "tri://10.0.0.2:50051/ctx/a.B", got.URI())
	got.Draining, got.Disabled, got.Metadata = false, false, nil
	name, _, err = naming.Dubbo().Encode(got)
	require.NoError(t, err)
	require.Equal(t, "tri%3A%2F%2Fme%3Apw%4010.0.0.2%3A50051%2Fctx%2Fa.B%3Finterface%3Da.B%26side%3Dprovider", name)

	require.Equal(t, "[::1]:20880", read("dubbo%3A%2F%2F%5B%3A%3A1%5D%3A20880%2Fa.B").HostPort())
	require.True(t, read("dubbo%3A%2F%2Fh%2Fa.B%3Fenabled%3Dno").Draining, "all but true is false in Java")
	require.Equal(t, naming.Permanent, read("dubbo%3A%2F%2Fh%2Fa.B%3Fdynamic%3Dfalse").Type)
	require.Equal(t, naming.MaxWeight, read("dubbo%3A%2F%2Fh%2Fa.B%3Fweight%3D2147483647").Weight)
}

func TestCodecsRefuse(t *testing.T) {
	change := func(f func(*naming.Instance)) naming.Instance {
		in := sample()
		f(&in)
		return in
	}
	meta := func(k, v string) func(*naming.Instance) {
		return func(in *naming.Instance) { in.Metadata = map[string]string{k: v} }
	}
	curator, spring, dubbo := naming.Curator(), naming.Spring(), naming.Dubbo()
	for _, c := range []struct {
		codec  naming.Codec
		in     naming.Instance
		reason string
	}{
		{curator, change(func(in *naming.Instance) { in.ID = "" }), "the id is empty"},
		{curator, change(func(in *naming.Instance) { in.ID = "a/b" }), "must not contain /"},
		{curator, change(func(in *naming.Instance) { in.ID = ".." }), "relative"},
		{curator, change(func(in *naming.Instance) { in.ID = "." }), "relative"},
		{curator, change(func(in *naming.Instance) { in.ID = "a\x00" }), "U+0000"},
		{curator, change(func(in *naming.Instance) { in.Service = "" }), "the service is empty"},
		{curator, change(func(in *naming.Instance) { in.Service = "a\nb" }), "U+000A"},
		{curator, change(func(in *naming.Instance) { in.Port = 65536 }), "port 65536"},
		{curator, change(func(in *naming.Instance) { in.SSLPort = -1 }), "sslPort -1"},
		{curator, change(func(in *naming.Instance) { in.Weight = -1 }), "weight -1"},
		{curator, change(func(in *naming.Instance) { in.Weight = naming.MaxWeight + 1 }), "weight 1000001"},
		{curator, change(func(in *naming.Instance) { in.Type = 9 }), "service type 9"},
		{curator, change(func(in *naming.Instance) { in.Address = "a\tb" }), "address"},
		{curator, change(func(in *naming.Instance) { in.Payload = json.RawMessage(`{"secret`) }), "payload is not JSON"},
		{curator, change(func(in *naming.Instance) { in.Payload = json.RawMessage{} }), "payload is not JSON"},
		{curator, change(func(in *naming.Instance) { in.URISpec = naming.URISpec{{Value: "\xff"}} }), "uriSpec"},
		{curator, change(meta("", "secret")), "empty key"},
		{curator, change(meta("k", "\xff")), "UTF-8"},
		{curator, change(meta("weight", "3")), "field Weight"},
		{curator, change(meta("draining", "false")), "field Draining"},
		{curator, change(meta("@class", "a.B")), "@class"},
		{spring, change(meta("instance_status", "UP")), "field Draining"},
		{spring, change(meta("weight", "3")), "field Weight"},
		{dubbo, change(func(in *naming.Instance) { in.Address = "" }), "the address is empty"},
		{dubbo, change(func(in *naming.Instance) { in.Address = "a/b" }), "the address is empty"},
		{dubbo, change(func(in *naming.Instance) { in.SSLPort = 1 }), "SSLPort"},
		{dubbo, change(func(in *naming.Instance) { in.Payload = json.RawMessage("1") }), "payload"},
		{dubbo, change(func(in *naming.Instance) { in.Type = naming.Static }), "STATIC"},
		{dubbo, change(meta("k", "secret&")), `"k"`},
		{dubbo, change(meta("weight", "7")), "field"},
		{dubbo, change(meta("enabled", "no")), "field"},
		{dubbo, change(func(in *naming.Instance) { in.URISpec = naming.URISpec{{Value: "x"}} }), "uriSpec"},
	} {
		_, _, err := c.codec.Encode(c.in)
		require.ErrorContains(t, err, c.reason)
		require.NotContains(t, err.Error(), "secret")
	}
	for _, codec := range []naming.Codec{curator, spring, dubbo} {
		for _, service := range []string{"", ".", "..", "a/b", "a\x01"} {
			_, err := codec.Dir(codec.Base(), service)
			require.Error(t, err, "%q", service)
		}
		_, err := codec.Dir("base", "a")
		require.ErrorContains(t, err, "relative")
	}
}

func TestPayloads(t *testing.T) {
	type point struct{ X, Y int }
	for _, c := range []struct {
		class, want string
		value       any
	}{
		{"a.Point", `{"@class":"a.Point","X":1,"Y":2}`, point{1, 2}},
		{"a.Empty", `{"@class":"a.Empty"}`, struct{}{}},
		{"java.util.ArrayList", `["java.util.ArrayList",["a<","b"]]`, []string{"a<", "b"}},
		{"java.lang.Long", `["java.lang.Long",7]`, 7},
		{"", `7`, 7},
		{"", `"s"`, "s"},
		{"a.B", `null`, nil},
	} {
		raw, err := naming.MarshalPayload(c.class, c.value)
		require.NoError(t, err)
		require.Equal(t, c.want, string(raw))
		if c.value != nil {
			require.Equal(t, c.class, naming.PayloadClass(raw))
		}
	}
	var p point
	require.NoError(t, naming.UnmarshalPayload(json.RawMessage(`{"@class":"a.Point","X":1,"Y":2}`), &p))
	require.Equal(t, point{1, 2}, p)
	var list []string
	require.NoError(t, naming.UnmarshalPayload(json.RawMessage(`["[Ljava.lang.String;",["a"]]`), &list))
	require.Equal(t, []string{"a"}, list)
	require.NoError(t, naming.UnmarshalPayload(json.RawMessage(`["a","b"]`), &list))
	require.Equal(t, []string{"a", "b"}, list, "no class: another library's list")
	var n int64
	require.NoError(t, naming.UnmarshalPayload(json.RawMessage(`["java.lang.Long",9007199254740993]`), &n))
	require.EqualValues(t, 9007199254740993, n)
	require.NoError(t, naming.UnmarshalPayload(nil, &list))
	require.Nil(t, list)
	err := naming.UnmarshalPayload(json.RawMessage(`"secret"`), &n)
	require.ErrorContains(t, err, "int64")
	require.NotContains(t, err.Error(), "secret")
	_, err = naming.MarshalPayload("a.B", make(chan int))
	var unsupported *json.UnsupportedTypeError
	require.True(t, errors.As(err, &unsupported))
}

func TestURISpec(t *testing.T) {
	in := naming.Instance{Service: "svc", ID: "i1", Address: "h", Port: 80, Registered: time.UnixMilli(5), Type: naming.Permanent}
	build := func(text string, vars map[string]string) string {
		spec, err := naming.ParseURISpec(text)
		require.NoError(t, err)
		return spec.Build(in, vars)
	}
	require.Equal(t, "http://h:80/svc/i1?5&permanent{}", build("{scheme}://{ address }:{port}/{name}/{id}?{registration-time-utc}&{service-type}{[}{]}{nobody}{ssl-port}", nil))
	require.Equal(t, "ftp://h", build("{scheme}://{address}", map[string]string{"scheme": "ftp"}))
	in.SSLPort = 443
	require.Equal(t, "https:443", build("{scheme}:{ssl-port}", nil))
	for _, bad := range []string{"{", "}", "a{b", "{a{b}}", "a}"} {
		_, err := naming.ParseURISpec(bad)
		require.Error(t, err, bad)
	}
}

// A URI has one pair of brackets around an IPv6 address, and a zone is escaped.
func TestFault26_IPv6InURI(t *testing.T) {
	for address, want := range map[string]string{
		"::1": "[::1]", "[::1]": "[::1]", "fe80::1%eth0": "[fe80::1%25eth0]", "10.0.0.1": "10.0.0.1", "h": "h", "": "",
	} {
		for _, text := range []string{"{scheme}://{address}:{port}/", "{scheme}://[{address}]:{port}/"} {
			spec, err := naming.ParseURISpec(text)
			require.NoError(t, err)
			in := naming.Instance{Service: "svc", ID: "i1", Address: address, Port: 80, URISpec: spec}
			if strings.HasPrefix(want, "[") {
				require.Equal(t, "http://"+want+":80/", in.URI(), text)
				u, err := url.Parse(in.URI())
				require.NoError(t, err)
				require.Equal(t, strings.Trim(address, "[]"), u.Hostname())
			} else if !strings.Contains(text, "[") {
				require.Equal(t, "http://"+want+":80/", in.URI(), text)
			}
		}
	}
}

// A zone is any text of the registry. In a URI it is neither a second address
// nor a character that a terminal obeys.
func TestURI_hostileZone(t *testing.T) {
	spec, err := naming.ParseURISpec("{scheme}://{address}:{port}/")
	require.NoError(t, err)
	for _, zone := range []string{"x]@evil.example/", "x@evil.example", "x:1", "\x1b[31m", "\u202e", "a b", "%41", "#", "?"} {
		in := naming.Instance{Service: "s", ID: "i", Address: "fe80::1%" + zone, Port: 80, URISpec: spec}
		text := in.URI()
		require.Regexp(t, `^http://\[fe80::1%25[A-Za-z0-9._%+-]+\]:80/$`, text)
		u, err := url.Parse(text)
		if err == nil { // it rejects some zones
			require.Nil(t, u.User)
			require.Equal(t, "80", u.Port())
			require.True(t, strings.HasPrefix(u.Hostname(), "fe80::1%"))
		}
		require.Error(t, in.CheckAddress())
	}
}
