package naming_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/naming"
)

// What rapid draws instances from. Every one can be written by every codec
// that has a place for its fields.
var (
	names    = rapid.StringMatching(`[a-zA-Z0-9._ é%+:{}"<&-]{1,12}[a-z]`)
	texts    = rapid.String().Filter(utf8.ValidString)
	printing = rapid.StringMatching(`[ -%'-:<-~é€]{0,10}`) // neither & nor ;
	keys     = rapid.StringMatching(`k[ -%'-:<>-~é]{0,8}`).Filter(func(s string) bool { return !strings.Contains(s, "=") })
	hosts    = rapid.SampledFrom([]string{"10.0.0.1", "host-7.example.org", "::1", "fe80::1%eth0", "h"})
	millis   = rapid.Int64Range(1, 4e12)
	weights  = rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(0, naming.MaxWeight))
)

func drawSpec(t *rapid.T) naming.URISpec {
	var spec naming.URISpec
	for range rapid.IntRange(0, 4).Draw(t, "parts") {
		spec = append(spec, naming.URIPart{Value: texts.Draw(t, "part"), Variable: rapid.Bool().Draw(t, "variable")})
	}
	return spec
}

func drawInstance(t *rapid.T) naming.Instance {
	in := naming.Instance{
		Service: names.Draw(t, "service"), ID: names.Draw(t, "id"), Address: hosts.Draw(t, "address"),
		Port: rapid.IntRange(0, 65535).Draw(t, "port"), SSLPort: rapid.IntRange(0, 65535).Draw(t, "ssl"),
		Registered: time.UnixMilli(millis.Draw(t, "registered")).UTC(),
		Type:       naming.ServiceType(rapid.IntRange(0, 3).Draw(t, "type")),
		URISpec:    drawSpec(t), Disabled: rapid.Bool().Draw(t, "disabled"), Draining: rapid.Bool().Draw(t, "draining"),
		Weight: weights.Draw(t, "weight"),
	}
	if m := rapid.MapOfN(keys, texts, 0, 4).Draw(t, "metadata"); len(m) > 0 {
		in.Metadata = m
	}
	return in
}

var payloads = rapid.SampledFrom([]string{
	`{"@class":"com.example.Outer$Inner","a":1,"b":[true,null]}`, `{"@class":"java.util.HashMap","n":5}`, `["java.util.ArrayList",["a","b"]]`,
	`["java.lang.Long",7]`, `"text <&>"`, `7`, `1.5`, `true`, `{"n":1}`, `{"@class":"java.util.HashMap","x":{"@class":"y"}}`,
})

func roundTrip(t require.TestingT, codec naming.Codec, in naming.Instance) naming.Instance {
	name, data, err := codec.Encode(in)
	require.NoError(t, err)
	back, err := codec.Decode(in.Service, name, data)
	require.NoError(t, err)
	again, twice, err := codec.Encode(back)
	require.NoError(t, err)
	require.Equal(t, name, again)
	require.Equal(t, string(data), string(twice))
	return back
}

func TestCuratorRoundTrip(t *testing.T) {
	for _, codec := range []naming.Codec{naming.Curator(), naming.Curator(naming.CuratorEnabled())} {
		rapid.Check(t, func(t *rapid.T) {
			in := drawInstance(t)
			if rapid.Bool().Draw(t, "has payload") {
				in.Payload = json.RawMessage(payloads.Draw(t, "payload"))
			}
			back := roundTrip(t, codec, in)
			require.True(t, in.Equal(back), "%+v\n%+v", in, back)
			_, data, err := codec.Encode(in)
			require.NoError(t, err)
			require.True(t, json.Valid(data))
		})
	}
}

func TestSpringRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInstance(t)
		back := roundTrip(t, naming.Spring(), in)
		if in.URISpec == nil {
			require.Equal(t, "{scheme}://{address}:{port}", back.URISpec.String())
			in.URISpec = back.URISpec
		}
		require.True(t, in.Equal(back), "%+v\n%+v", in, back)
	})
}

func TestDubboApplicationRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInstance(t)
		in.Port = rapid.IntRange(1, 65535).Draw(t, "port")
		back := roundTrip(t, naming.DubboApplication(), in)
		if in.Weight == 0 {
			in.Weight = 100
		}
		require.True(t, in.Equal(back), "%+v\n%+v", in, back)
	})
}

func TestDubboRoundTrip(t *testing.T) {
	for _, codec := range []naming.Codec{naming.Dubbo(), naming.Dubbo(naming.DubboCategory("consumers"), naming.DubboProtocol("tri"))} {
		rapid.Check(t, func(t *rapid.T) {
			in := drawInstance(t)
			in.SSLPort, in.URISpec, in.Metadata = 0, nil, nil
			if in.Type != naming.Dynamic {
				in.Type = naming.Permanent
			}
			if m := rapid.MapOfN(keys, printing, 0, 4).Draw(t, "params"); len(m) > 0 {
				in.Metadata = m
			}
			in.Service = rapid.StringMatching(`[a-z]{1,5}\.[A-Z ]{1,5}[é$*]?`).Draw(t, "interface")
			back := roundTrip(t, codec, in)
			in.ID, in.URISpec = back.ID, back.URISpec // which the codec makes
			if in.Weight == 0 {
				in.Weight = 100
			}
			require.True(t, in.Equal(back), "%+v\n%+v", in, back)
		})
	}
}

func TestCacheRoundTrip(t *testing.T) {
	path := t.TempDir() + "/orders.json"
	rapid.Check(t, func(t *rapid.T) {
		var all []naming.Instance
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			in := drawInstance(t)
			in.Service = "orders"
			if rapid.Bool().Draw(t, "has payload") {
				in.Payload = json.RawMessage(payloads.Draw(t, "payload"))
			}
			all = append(all, in)
		}
		saved := time.UnixMilli(millis.Draw(t, "saved")).UTC()
		require.NoError(t, naming.SaveCache(path, "orders", all, saved))
		back, when, err := naming.LoadCache(path, "orders")
		require.NoError(t, err)
		require.Equal(t, saved, when)
		require.Len(t, back, len(all))
		for i := range all {
			require.True(t, all[i].Equal(back[i]), "%+v\n%+v", all[i], back[i])
		}
	})
}

func TestURISpecRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z:/{}\[\] ]{0,20}`).Draw(t, "text")
		spec, err := naming.ParseURISpec(text)
		if err != nil {
			return
		}
		again, err := naming.ParseURISpec(spec.String())
		require.NoError(t, err)
		require.Equal(t, spec.String(), again.String())
		in := naming.Instance{Service: "s", ID: "i", Address: "a", Port: 1}
		require.Equal(t, spec.Build(in, nil), again.Build(in, nil))
	})
}

// fromMillis is a time as the codecs read it.
func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
