package naming

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

// FuzzMembers: an object is taken apart as encoding/json does it, and so are
// the fields.
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
		want, wrong := slowMembers(data)
		got, err := members(nil, string(data))
		require.Equal(t, wrong, err, "%q", data)
		require.Equal(t, want, got, "%q", data)
		for _, m := range got {
			var s string
			var i int
			var l int64
			var b bool
			for _, field := range []struct{ err, failed any }{
				{m.text(&s) != nil, second(slowField[string](m))},
				{integer(m, &i) != nil, second(slowField[int](m))},
				{integer(m, &l) != nil, second(slowField[int64](m))},
				{m.truth(&b) != nil, second(slowField[bool](m))},
			} {
				require.Equal(t, field.failed, field.err, "%q", m.raw)
			}
			if v, failed := slowField[string](m); !failed {
				require.Equal(t, v, s)
			}
			if v, failed := slowField[int](m); !failed {
				require.Equal(t, v, i)
			}
			if v, failed := slowField[bool](m); !failed {
				require.Equal(t, v, b)
			}
		}
	})
}

func second[T any](_ T, b bool) bool { return b }

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
	for payload, bean := range map[string]bool{
		`{"@class":"` + springBean + `"}`:                true,
		`{"@class":"\u006Frg` + springBean[3:] + `"}`:    true,
		`{"\u0040class":"` + springBean + `"}`:           true,
		`{"@class":"x.Y","@class":"` + springBean + `"}`: true,
		`{"@class":"` + springBean + `","@class":"x.Y"}`: false,
		`{"@class":["` + springBean + `"]}`:              false,
		`{"@class":null}`:                                false,
		`{"@class":1}`:                                   false,
		`{}`:                                             false,
	} {
		require.Equal(t, bean, isBean(payload), payload)
	}
}
