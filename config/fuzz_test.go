package config

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/docent-go/docent/internal/recipe/views"
	"github.com/docent-go/docent/session"
)

type fuzzed struct {
	QPS  int              `json:"qps"`
	Rate json.Number      `json:"rate"`
	Next *fuzzed          `json:"next"`
	Any  any              `json:"any"`
	Map  map[string][]any `json:"map"`
}

// FuzzBadValues gives a value whatever bytes a node may hold: it must not
// panic, must keep the last good value or show one that decodes, and must
// take the next good one.
func FuzzBadValues(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `{"qps":1}`, `{"qps":-1}`, `{"qps":1e999}`, `{"qps":1}{}`, `[[[[`, "\xff\x00", `{"next":{"next":null}}`,
		`{"rate":"1.5","any":[1,{"a":null}],"map":{"k":[true]}}`, `{"QPS":3}`, `{"qps":1,"qps":2}`, `"\ud800"`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, strict bool) {
		var opts []JSONOption
		if strict {
			opts = append(opts, Strict())
		}
		v := &Value[fuzzed]{path: "/f", schema: schema[fuzzed]{codec: JSON[fuzzed](opts...)}}
		Validate(func(x fuzzed) error {
			if x.QPS == 13 {
				panic("unlucky")
			}
			if x.QPS < 0 {
				return errors.New("negative")
			}
			return nil
		})(&v.schema.options)
		v.view.Store(&view[fuzzed]{rev: 1, next: make(chan struct{})})
		rev := uint64(0)
		show := func(data string) *view[fuzzed] {
			rev++
			v.apply(&views.State{
				Exists: true, Data: []byte(data), Rev: rev,
				Stat: session.Stat{Mzxid: int64(rev), Version: int32(rev)},
			})
			return v.view.Load()
		}
		show(`{"qps":1}`)
		got := show(string(data))
		var bad *BadValueError
		switch {
		case got.err == nil:
			if got.Zxid != 2 || got.Value.QPS < 0 || got.Value.QPS == 13 {
				t.Fatalf("taken as good: %+v", got.Snapshot)
			}
			encoded, err := v.schema.codec.Encode(got.Value)
			if err != nil {
				t.Fatalf("a decoded value does not encode: %v", err)
			}
			if _, err := v.schema.read(encoded); err != nil {
				t.Fatalf("a decoded value does not decode again: %v", err)
			}
		case !errors.As(got.err, &bad):
			t.Fatalf("the error is a %T", got.err)
		case got.Value.QPS != 1 || got.Zxid != 1:
			t.Fatalf("the last good value has gone: %+v", got.Snapshot)
		}
		if last := show(`{"qps":7}`); last.err != nil || last.Value.QPS != 7 {
			t.Fatalf("the next good value: %+v, %v", last.Snapshot, last.err)
		}
	})
}
