package naming_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// What an instance costs that is decoded does not grow with the number of its
// fields: one copy of the text, in which all strings lie, the metadata, the
// spec and the origin.
func TestCostsOfDecoding(t *testing.T) {
	rich := naming.Instance{
		Service: "api", ID: "i1", Address: "192.0.2.7", Port: 80, SSLPort: 443, Registered: time.UnixMilli(1_700_000_000_000),
		Weight: 3, Metadata: map[string]string{"zone": "a", "version": "1.2.3"},
	}
	rich.URISpec, _ = naming.ParseURISpec("{scheme}://{address}:{port}")
	plain := naming.Instance{Service: "api", ID: "i1", Address: "192.0.2.7", Port: 80}
	for name, c := range map[string]struct {
		codec  naming.Codec
		in     naming.Instance
		allocs float64
	}{
		"Curator":                {naming.Curator(), plain, 1},
		"Curator, with metadata": {naming.Curator(), rich, 4},
		"Spring":                 {naming.Spring(), rich, 5},
	} {
		_, data, err := c.codec.Encode(c.in)
		require.NoError(t, err)
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := c.codec.Decode("api", "i1", data); err != nil {
				panic(err)
			}
		})
		t.Logf("%s: %v allocations", name, allocs)
		require.LessOrEqual(t, allocs, c.allocs, name)
	}
}

// allocated is what f allocates, on all goroutines.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// A change costs what has changed: the view shares all other instances with the
// view before, and makes no slice of them. The server is in the same process.
func TestAChangeCostsWhatHasChanged(t *testing.T) {
	var bytes [2]int
	for i, many := range []int{50, 5000} {
		testworld.Run(t, func(w *testworld.World) {
			put := func(i int, address string) {
				w.Put(fmt.Sprintf("%s/i%04d", orders, i), fmt.Sprintf(`{"address":%q,"port":80}`, address))
			}
			for i := range many {
				put(i, "h")
			}
			s := watch(w.Process())
			o := observe(w, s)
			o.take()
			const changes = 40
			bytes[i] = allocated(func() {
				for n := range changes {
					put(n, "other")
					time.Sleep(time.Second)
				}
			}) / changes
			require.Len(w, strings.Fields(o.take()), changes)
			require.Equal(w, many, s.View().Len())
		})
	}
	t.Logf("%v bytes for each change", bytes)
	require.LessOrEqual(t, bytes[1]-bytes[0], 40<<10, "a hundred times the instances")
}

// Instances makes the slice at the first call, and once between two changes.
func TestInstancesAreOneSlice(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(orders+"/b", `{"address":"2","port":80}`)
		w.Put(orders+"/a", `{"address":"1","port":80}`)
		p := w.Process()
		s := watch(p)
		before := s.View()
		slice := before.Instances()
		require.Equal(w, "a=1 b=2", show(slice))
		require.Equal(w, slice, slices.Collect(before.All()))
		in, found := before.Instance("b")
		require.True(w, found)
		require.Equal(w, "2", in.Address)
		_, found = before.Instance("c")
		require.False(w, found)
		require.Equal(w, 2, before.Len())

		p.Link.Disconnect()
		w.Eventually(func() bool { return s.View().Stale }, "the connection is lost")
		require.Same(w, &slice[0], &s.Load()[0], "the instances are the same")
		w.Put(orders+"/b", `{"address":"3","port":80}`)
		w.Eventually(func() bool { return !s.View().Stale && show(s.Load()) == "a=1 b=3" }, "it is read")
		require.Equal(w, "a=1 b=2", show(before.Instances()), "a view never changes")
		for range s.View().All() {
			break
		}
	})
	view := naming.NewView(at("b", "1"), at("a", "1"), at("b", "2"))
	require.Equal(t, "a=1 b=2", show(view.Instances()))
	require.Empty(t, new(naming.View).Instances())
	require.Zero(t, new(naming.View).Len())
}

// A Balancer reads a Service without the slice that Load makes.
func TestBalancersMakeNoSlice(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const many = 2000
		for i := range many {
			w.Put(fmt.Sprintf("%s/i%04d", orders, i), `{"address":"h","port":80}`)
		}
		s := watch(w.Process())
		b := naming.NewBalancer(s, naming.RoundRobin())
		_, err := b.Pick("")
		require.NoError(w, err)
		slice := allocated(func() { s.Load() })
		require.Greater(w, slice, many*100, "the first Load makes the slice")
		w.Put(orders+"/i0000", `{"address":"other","port":80}`)
		time.Sleep(time.Second)
		changed := 0
		for range many {
			picked, err := b.Pick("")
			require.NoError(w, err)
			if picked.Item.Address == "other" {
				changed++
			}
		}
		require.Equal(w, 1, changed)
		require.Greater(w, allocated(func() { s.Load() }), many*100, "the picks have made none")
	})
}
