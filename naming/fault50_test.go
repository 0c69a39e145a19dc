package naming_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// A service of too much data is served as far as the limit goes, and says what
// it leaves out. One large instance costs only itself.
func TestFault50_BytesOfAService(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		instance := func(id string, n int) {
			w.Put(orders+"/"+id, fmt.Sprintf(`{"address":"h","sslPort":1,"payload":%q}`, strings.Repeat("x", n)))
		}
		instance("a", 100)
		instance("b", 1<<20-200)
		instance("c", 100)
		p := w.Process()
		s := watch(p, naming.MaxBytes(1000))
		o := observe(w, s)
		require.Equal(w, "[+a +c] E", o.take())
		v := s.View()
		require.Equal(w, 1, v.LeftOut.Znodes)
		require.Equal(w, []string{"b"}, v.LeftOut.First)
		require.Greater(w, v.LeftOut.Bytes, int64(1<<20-200))
		require.Len(w, v.Problems, 1)
		require.ErrorIs(w, v.Problems[0], session.ErrLeftOut)
		require.ErrorContains(w, v.Problems[0], `service "orders": 1 znode is left out, with 1048`)

		instance("b", 100)
		require.Equal(w, "[+b]", o.take())
		require.Equal(w, session.LeftOut{}, s.View().LeftOut)
		require.Empty(w, s.View().Problems)
		instance("a", 5000)
		require.Equal(w, "[-a] E", o.take(), "an instance may become too large")

		_, err := registry(p).Open(w.Context(), "orders", naming.MaxBytes(0))
		require.ErrorContains(w, err, "the option MaxBytes(0) is too small")
	})
}

// Names hold the whole instance with Dubbo: they count too.
func TestFault50_BytesOfNames(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		r := registry(w.Process(), naming.Layout(naming.Dubbo()))
		for i := range 3 {
			_, err := r.Register(w.Context(), naming.Instance{
				Service: "orders", Address: fmt.Sprint("h", i), Port: 80, Metadata: map[string]string{"k": strings.Repeat("x", 300*i)},
			})
			require.NoError(w, err)
		}
		s, err := r.Open(w.Context(), "orders", naming.MaxBytes(1000))
		require.NoError(w, err)
		defer s.Close()
		require.Len(w, s.Load(), 2)
		require.Equal(w, 1, s.View().LeftOut.Znodes)
	})
}

// counting is a codec that counts how often an instance is decoded.
type counting struct {
	naming.Codec
	decoded map[string]int
}

func (c *counting) Decode(service, name string, data []byte) (naming.Instance, error) {
	c.decoded[name]++
	return c.Codec.Decode(service, name, data)
}

// An instance is decoded once for each change of its data, however many readers
// and reconnections there are.
func TestFault50_DecodedOnce(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		for _, id := range []string{"a", "b"} {
			w.Put(orders+"/"+id, `{"address":"h"}`)
		}
		p, codec := w.Process(), &counting{naming.Curator(), make(map[string]int)}
		s, err := registry(p, naming.Layout(codec)).Open(w.Context(), "orders")
		require.NoError(w, err)
		defer s.Close()
		for range 3 {
			observe(w, s)
			_, err := s.Balancer(naming.Random())
			require.NoError(w, err)
			require.Len(w, s.Load(), 2)
		}
		p.Link.Disconnect()
		time.Sleep(time.Minute)
		p.Expire()
		time.Sleep(time.Minute)
		w.Put(orders+"/b", `{"address":"other"}`)
		time.Sleep(time.Minute)
		require.NoError(w, s.Close()) // the service decodes on a goroutine of its own
		require.Equal(w, map[string]int{"a": 1, "b": 2}, codec.decoded)
	})
}

// The memory of a service is bounded by its data, and by a small multiple of
// what an instance has.
func TestFault50_MemoryOfAService(t *testing.T) {
	large := `"` + strings.Repeat("x", 200<<10) + `"`
	for name, c := range map[string]struct {
		data string // of one znode
		most float64
	}{
		"payload":  {`{"address":"h","port":1,"payload":{"a":[` + large + `]}}`, 3.3},
		"metadata": {`{"address":"h","payload":{"@class":"java.util.HashMap","a":` + large + `}}`, 2.3},
		"unknown":  {`{"address":"h","other":` + large + `}`, 2.3},
		"foreign":  {`[` + large + `]`, 1.3},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				const n = 40
				for i := range n {
					w.Put(fmt.Sprintf("%s/i%02d", orders, i), c.data)
				}
				s, err := registry(w.Process()).Open(w.Context(), "orders")
				require.NoError(w, err)
				held := testworld.Held(func() {
					s.Close()
					s = nil
				})
				require.Less(w, float64(held)/float64(n*len(c.data)), c.most)
			})
		})
	}
}
