package naming

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// slowMembers is members as encoding/json's decoder takes an object apart.
func slowMembers(data []byte) ([]member, error) {
	if err := checkJSON(data); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("it is JSON, but not an object")
	}
	var all []member
	at := make(map[string]int)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, err
		}
		name := key.(string)
		if i, twice := at[name]; twice {
			all[i].raw = string(raw)
			continue
		}
		at[name] = len(all)
		all = append(all, member{name, string(raw)})
	}
	return all, nil
}

// slowField decodes a field with encoding/json.
func slowField[T any](m member) (v T, failed bool) {
	return v, m.raw != "null" && json.Unmarshal([]byte(m.raw), &v) != nil
}

// FuzzMembers: an object is taken apart as encoding/json does it. What follows
// it, and a byte order mark, are ignored. A field that encoding/json reads is
// read with the same value.
func FuzzMembers(f *testing.F) {
	many := []byte(`{"a":0`)
	for i := range 3 * fewMembers {
		many = fmt.Appendf(many, `,"k%d":%d`, i%(2*fewMembers), i)
	}
	for _, seed := range []string{
		"", "{", "{}", " { } ", "[]", `"{}"`, `{"a":1,"a":2}`, `{"a" : [1, {"b":"]}"}] , "c":"\"\\" ,"d":-0}`, string(many) + "}",
		`{"a":"\u0041\ud800\n","\u0061":true,"b":1e3,"c":1.0,"d":99999999999999999999,"e":"é"}`, "{\"a\":\t{\"\\\\\":\"{\"}\n,\"b\":[]\r}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := members(nil, string(data))
		if err == nil {
			data = []byte(document(string(data)))
		}
		want, wrong := slowMembers(bytes.TrimPrefix(data, []byte(byteOrderMark)))
		require.Equal(t, wrong, err, "%q", data)
		require.Equal(t, want, got, "%q", data)
		for _, m := range got {
			var s string
			var i int64
			var b bool
			if v, failed := slowField[string](m); !failed {
				require.NoError(t, m.text(&s))
				require.Equal(t, v, s)
			}
			if v, failed := slowField[int64](m); !failed {
				require.NoError(t, m.integer(&i))
				require.Equal(t, v, i)
			}
			if v, failed := slowField[bool](m); !failed {
				require.NoError(t, m.truth(&b))
				require.Equal(t, v, b)
			}
		}
	})
}

// Fields are read as Jackson reads them, which the suite "differential" tries
// with Jackson itself.
func TestFault28_FieldsAsJackson(t *testing.T) {
	const bad = math.MinInt64
	for raw, want := range map[string]int64{
		"8080": 8080, `"8080"`: 8080, "8080.0": 8080, "8080.9": 8080, "-0.9": 0, "1e3": 1000, `" 8080\t"`: 8080, `"+8080"`: 8080, `"007"`: 7,
		"null": 1, `""`: 1, `" "`: 1, `"null"`: 1, "9.3e18": bad, "1e999": bad, "9223372036854775807.0": math.MaxInt64, "9223372036854775808": bad,
		`"8080.0"`: bad, `"1e3"`: bad, `"x"`: bad, "true": bad, "[]": bad, "{}": bad,
	} {
		n := int64(1)
		if err := (member{"port", raw}).integer(&n); want == bad {
			require.ErrorContains(t, err, `"port"`, raw)
		} else {
			require.NoError(t, err, raw)
			require.Equal(t, want, n, raw)
		}
	}
	port := 1
	require.Error(t, member{"port", "2147483648"}.port(&port))
	require.NoError(t, member{"port", "-2147483648"}.port(&port))

	for raw, want := range map[string]bool{
		"true": true, "false": false, `"true"`: true, `"True"`: true, `" TRUE "`: true, `"false"`: false, `"FALSE"`: false, "1": true, "-7": true, "0": false, "-0": false,
		"null": false, `"null"`: false, `""`: false, `" "`: false,
	} {
		is := !want
		require.NoError(t, member{"enabled", raw}.truth(&is), raw)
		require.Equal(t, want, is, raw)
	}
	for _, raw := range []string{`"yes"`, `"tRUE"`, `"1"`, "1.0", "0.0", "1e3", "[]", "{}"} {
		require.Error(t, member{"enabled", raw}.truth(new(bool)), raw)
	}

	for raw, want := range map[string]string{`"a"`: "a", "7": "7", "1.50": "1.50", "true": "true", "null": "was"} {
		text := "was"
		require.NoError(t, member{"address", raw}.text(&text), raw)
		require.Equal(t, want, text, raw)
	}
	require.Error(t, member{"address", "[]"}.text(new(string)))

	for raw, want := range map[string]ServiceType{`"STATIC"`: Static, "2": Permanent, `"3"`: DynamicSequential, `" 1 "`: Static, `" STATIC"`: Static, "-0": Dynamic, "null": Dynamic} {
		var kind ServiceType
		require.NoError(t, member{"serviceType", raw}.serviceType(&kind), raw)
		require.Equal(t, want, kind, raw)
	}
	for _, raw := range []string{`"static"`, "4", "-1", "1.0", `"4"`, "true", "[]"} {
		require.Error(t, member{"serviceType", raw}.serviceType(new(ServiceType)), raw)
	}

	for raw, want := range map[string]string{
		`"{scheme}://{ address }"`: "{scheme}://{address}", `{"parts":[{"variable":"true","value":"port"},{"value":7}]}`: "{port}7", `{}`: "", `{"parts":null}`: "", "null": "",
	} {
		var spec URISpec
		require.NoError(t, member{"uriSpec", raw}.uriSpec(&spec), raw)
		require.Equal(t, want, spec.String(), raw)
	}
	for _, raw := range []string{`"{"`, "7", "[]", `{"parts":7}`, `{"parts":["x"]}`, `{"parts":[{"value":[]}]}`} {
		require.Error(t, member{"uriSpec", raw}.uriSpec(new(URISpec)), raw)
	}
}

// FuzzURISpec: the short way to read a spec reads what the long one reads.
func FuzzURISpec(f *testing.F) {
	for _, seed := range []string{
		`{"parts":[]}`, `{"parts":[{"value":"scheme","variable":true},{"value":"://","variable":false}]}`, `null`, `{"Parts":[{"VALUE":"x"}]}`,
		`{"parts":[{"value":"x","variable":true},]}`, `{"parts":[{"value":"\"},","variable":true}],"parts":[]}`, `{"parts":[{"value":"x","variable":false}] }`,
		`{"parts":[{"value":1,"value":"x","variable":false}]}`, `{"parts":[{"value":"x","variable":false}],"x":1}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if checkJSON([]byte(raw)) != nil {
			return
		}
		spec, usual := usualURISpec(raw)
		if !usual {
			return
		}
		var slow struct {
			Parts []URIPart `json:"parts"`
		}
		require.NoError(t, json.Unmarshal([]byte(raw), &slow))
		if len(slow.Parts) == 0 {
			require.Empty(t, spec)
			return
		}
		require.Equal(t, URISpec(slow.Parts), spec)
	})
}

// The class of a payload is Spring's however its string is escaped. Of a class
// that is written twice the last counts.
func TestSpringClassSpellings(t *testing.T) {
	for payload, owned := range map[string]bool{
		`{"@class":"` + springBean + `"}`:                true,
		`{"@class":"\u006Frg` + springBean[3:] + `"}`:    true,
		`{"\u0040class":"` + springBean + `"}`:           true,
		`{"@class":"x.Y","@class":"` + springBean + `"}`: true,
		`{"@class":"` + springBean + `","@class":"x.Y"}`: false,
		`{"@class":["` + springBean + `"]}`:              false,
		`{"@class":null}`:                                false,
		`{"@Class":"` + springBean + `"}`:                false,
		`{"@CLASS":"` + springBean + `","@class":"x.Y"}`: false,
		`{"@class":1}`: false,
		`{}`:           false,
	} {
		require.Equal(t, owned, Spring().(*bean).owns(payload), payload)
	}
}
