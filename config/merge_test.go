package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/zktest"
)

func unchanged[T any](value T) (T, error) { return value, nil }

// updated returns what the node holds after an update, and how often it was
// written.
func updated[T any](t *testing.T, w *world, codec config.Codec[T], node string, f func(T) (T, error)) (string, int32) {
	t.Helper()
	w.Put("/value", node)
	was, _ := w.Srv.Node("/value")
	v := open(w, "/value", codec)
	_, err := v.Update(t.Context(), f)
	require.NoError(t, err)
	require.NoError(t, v.Close())
	is, _ := w.Srv.Node("/value")
	return string(is.Data), is.Stat.Version - was.Stat.Version
}

func TestFault24_IdentityWritesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, node := range []string{
			`{"qps":2,"burst":50}`, "{\n  \"burst\": 1e3,\n  \"qps\": 2\n}\n", `{"QPS":2,"qps":2}`, `{}`, `{"tags":null}`, ` {"qps":2} `,
		} {
			data, writes := updated(t, w, config.JSON[Limits](), node, unchanged)
			require.Equal(t, node, data)
			require.Zero(t, writes, node)
		}
		for _, node := range []string{`{"a":12345678901234567890123,"b":1.0}`, `[1e3,  1.50]`, `"\u0041"`, "null"} {
			data, writes := updated(t, w, config.JSON[any](), node, unchanged)
			require.Equal(t, node, data)
			require.Zero(t, writes, node)
		}

		// And asks for nothing but the newest value.
		w.Put("/value", `{"qps":2,"burst":50}`)
		v := open(w, "/value", config.JSON[Limits]())
		synctest.Wait() // other Values read the new value, too
		w.Srv.ResetCounts()
		snap, err := v.Update(t.Context(), unchanged)
		require.NoError(t, err)
		require.Equal(t, v.Load(), snap)
		require.Equal(t, 1, w.Srv.Count(zktest.OpSync))
		require.Equal(t, 1, w.Srv.Count(zktest.OpGetData))
		require.Zero(t, w.Srv.Count(zktest.OpSetData))
	})
}

func TestFault24_UnknownFieldsSurvive(t *testing.T) {
	type pool struct {
		Size int `json:"size"`
	}
	type settings struct {
		QPS   int               `json:"qps"`
		Pool  pool              `json:"pool"`
		Spare *pool             `json:"spare,omitempty"`
		Pools []pool            `json:"pools,omitempty"`
		Tags  map[string]string `json:"tags,omitempty"`
		Ratio float64           `json:"ratio,omitempty"`
	}
	inWorld(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			node, want string
			change     func(*settings)
		}{
			"the field beside": {
				`{"qps":2,"burst":50}`, `{"qps":3,"burst":50}`, func(s *settings) { s.QPS++ },
			},
			"in a nested object": {
				`{"pool":{"idle":1e3,"size":1},"qps":10}`, `{"pool":{"idle":1e3,"size":7},"qps":10}`,
				func(s *settings) { s.Pool.Size = 7 },
			},
			"white space": {
				"{\n  \"qps\": 2,\n  \"burst\": 50\n}\n", "{\n  \"qps\": 3,\n  \"burst\": 50,\n  \"ratio\": 0.5\n}\n",
				func(s *settings) { s.QPS, s.Ratio = 3, 0.5 },
			},
			"digits": {
				`{"qps":2,"ratio":1.50,"id":12345678901234567890123,"x":1.0}`,
				`{"qps":3,"ratio":1.50,"id":12345678901234567890123,"x":1.0}`, func(s *settings) { s.QPS++ },
			},
			"in an array": {
				`{"qps":2,"pools":[{"size":1,"zone":"a"},{"size":2,"zone":"b"},{"size":3,"zone":"c"}]}`,
				`{"qps":2,"pools":[{"size":1,"zone":"a"},{"size":9,"zone":"b"},{"size":3,"zone":"c"},{"size":4}]}`,
				func(s *settings) { s.Pools[1].Size = 9; s.Pools = append(s.Pools, pool{4}) },
			},
			"of an array that was sorted and shortened": {
				`{"qps":2,"pools":[{"size":1,"zone":"a"},{"size":2,"zone":"b"},{"size":3,"zone":"c"}]}`,
				`{"qps":2,"pools":[{"size":3,"zone":"c"},{"size":1,"zone":"a"}]}`,
				func(s *settings) { s.Pools = []pool{s.Pools[2], s.Pools[0]} },
			},
			"a key in another case": {
				`{"QPS":2,"Burst":50}`, `{"QPS":3,"Burst":50}`, func(s *settings) { s.QPS++ },
			},
			"a key that comes twice": {
				`{"qps":1,"qps":2,"burst":50}`, `{"qps":3,"burst":50}`, func(s *settings) { s.QPS++ },
			},
			"a map": {
				`{"qps":2,"tags":{"b":"1", "a":"2"}}`, `{"qps":2,"tags":{"b":"1", "c":"3"}}`,
				func(s *settings) { delete(s.Tags, "a"); s.Tags["c"] = "3" },
			},
			"an object that comes": {
				`{"qps":2,"burst":50}`, `{"qps":2,"burst":50,"spare":{"size":1}}`, func(s *settings) { s.Spare = &pool{1} },
			},
			"an object that goes": {
				`{"qps":2,"spare":{"size":1,"idle":2},"burst":50}`, `{"qps":2,"burst":50}`, func(s *settings) { s.Spare = nil },
			},
		} {
			data, writes := updated(t, w, config.JSON[settings](), c.node, func(s settings) (settings, error) {
				c.change(&s)
				return s, nil
			})
			require.Equal(t, c.want, data, name)
			require.EqualValues(t, 1, writes, name)
		}
	})
}

// renamed reads a field that had another name once.
type renamed struct{ QPS int }

func (r *renamed) UnmarshalJSON(data []byte) error {
	var fields struct {
		QPS int  `json:"qps"`
		Old *int `json:"rate"`
	}
	err := json.Unmarshal(data, &fields)
	if r.QPS = fields.QPS; fields.Old != nil {
		r.QPS = *fields.Old
	}
	return err
}

func (r renamed) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]int{"qps": r.QPS})
}

func TestFault24_MergedMeansWhatWasReturned(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		data, writes := updated(t, w, config.JSON[renamed](), `{"rate":5,"burst":50}`, func(r renamed) (renamed, error) {
			r.QPS++
			return r, nil
		})
		require.Equal(t, `{"qps":6}`, data)
		require.EqualValues(t, 1, writes)
	})
}

// Of a user's own codec only the values can be compared.
func TestFault24_OwnCodec(t *testing.T) {
	order := false
	lines := config.Codec[map[string]string]{
		Decode: func(data []byte) (map[string]string, error) {
			all := make(map[string]string)
			for line := range strings.Lines(string(data)) {
				if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
					all[key] = value
				}
			}
			return all, nil
		},
		Encode: func(all map[string]string) ([]byte, error) { // in another order each time, as a Go map has it
			order = !order
			var b bytes.Buffer
			for _, key := range map[bool][]string{true: {"a", "b"}, false: {"b", "a"}}[order] {
				b.WriteString(key + "=" + all[key] + "\n")
			}
			return b.Bytes(), nil
		},
	}
	const node = "# ours\nb=2\na=1"
	change := func(all map[string]string) (map[string]string, error) {
		all["a"] = "3" // in place: the value is f's own
		return all, nil
	}
	inWorld(t, func(t *testing.T, w *world) {
		data, writes := updated(t, w, lines, node, unchanged)
		require.Equal(t, node, data)
		require.Zero(t, writes)

		merging := lines
		merging.Merge = func(node, before, after []byte) ([]byte, error) {
			require.Contains(t, string(before), "a=1\n")
			require.Contains(t, string(after), "a=3\n")
			return bytes.Replace(node, []byte("a=1"), []byte("a=3"), 1), nil
		}
		data, _ = updated(t, w, merging, node, change)
		require.Equal(t, "# ours\nb=2\na=3", data)

		mine := errors.New("mine")
		merging.Merge = func(_, _, _ []byte) ([]byte, error) { return nil, mine }
		v := open(w, "/value", merging)
		_, err := v.Update(t.Context(), func(all map[string]string) (map[string]string, error) {
			all["b"] = "9"
			return all, nil
		})
		require.ErrorIs(t, err, mine)

		// An Encode that keeps no copy does not hide the change.
		plain := config.Codec[[]byte]{
			Decode: func(data []byte) ([]byte, error) { return bytes.Clone(data), nil },
			Encode: func(value []byte) ([]byte, error) { return value, nil },
		}
		data, _ = updated(t, w, plain, "abc", func(b []byte) ([]byte, error) { b[0] = 'x'; return b, nil })
		require.Equal(t, "xbc", data)
	})
}
