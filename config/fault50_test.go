package config_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// keysOf prints the keys of a snapshot.
func keysOf[T any](s *config.TreeSnapshot[T]) string {
	var keys []string
	for k := range s.All() {
		keys = append(keys, k.Key)
	}
	return strings.Join(keys, " ")
}

// A tree of too much data is served as far as the limits go, and says what it
// leaves out. Two readers agree on it.
func TestFault50_LimitsOfATree(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		put := func(key string, n int) { w.Put("/c/"+key, strings.Repeat("x", n)) }
		put("a", 400)
		put("big", 1<<20-100)
		put("dir/b", 400)
		put("dir/c", 400)
		put("z", 10)
		open := func() *config.Tree[string] {
			tree, err := config.OpenTree(w.Context(), w.Process().Manager, "/c", config.Text(), config.MaxBytes[string](1000))
			require.NoError(w, err)
			w.Cleanup(func() { _ = tree.Close() })
			return tree
		}
		tree, other := open(), open()
		o := testworld.Observe(w, tree.Changes, func(s *config.TreeSnapshot[string], err error) string {
			if err != nil {
				require.ErrorIs(w, err, session.ErrLeftOut)
				return "E"
			}
			return fmt.Sprintf("[%s] %d", keysOf(s), s.LeftOut.Znodes)
		})
		take := func() string {
			time.Sleep(time.Second) // the pause between two reads
			return o.Take()
		}
		require.Equal(w, "[a dir/b z] 2 E", take())
		require.Equal(w, []string{"big", "dir/c"}, tree.Load().LeftOut.First)
		require.Equal(w, tree.Load().LeftOut, other.Load().LeftOut)
		require.EqualError(w, tree.Err(), "watch tree /c: 2 znodes are left out, with 1048880 bytes, the first is big: "+
			"the limits are 20000 znodes (Limit) and 1000 bytes (MaxBytes); raise them, or delete znodes")
		w.Remove("/c/big")
		require.Equal(w, "[a dir/b z] 1 E", take())
		w.Remove("/c/a")
		require.Equal(w, "[dir/b dir/c z] 0", take())
		require.NoError(w, tree.Err())

		few, err := config.OpenTree(w.Context(), w.Process().Manager, "/c", config.Text(), config.Limit[string](2))
		require.NoError(w, err)
		defer few.Close()
		require.Equal(w, "dir/b", keysOf(few.Load()))
		require.Equal(w, session.LeftOut{Znodes: 2, First: []string{"dir/c", "z"}}, few.Load().LeftOut)
		for _, opt := range []config.Option[string]{config.Limit[string](0), config.MaxBytes[string](-1)} {
			_, err = config.OpenTree(w.Context(), w.Process().Manager, "/c", config.Text(), opt)
			require.ErrorContains(w, err, "is too small; give 1 or more")
		}
	})
}

// A value is decoded once for each change, and kept once beside its bytes.
func TestFault50_MemoryOfATree(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const n, size = 40, 200 << 10
		for i := range n {
			w.Put(fmt.Sprintf("/c/k%02d", i), strings.Repeat("x", size))
		}
		var decoded atomic.Int64
		codec := config.Text()
		text := codec.Decode
		codec.Decode = func(data []byte) (string, error) {
			decoded.Add(1)
			return text(data)
		}
		p := w.Process()
		tree, err := config.OpenTree(w.Context(), p.Manager, "/c", codec)
		require.NoError(w, err)
		for range 3 {
			p.Link.Disconnect()
			time.Sleep(time.Minute)
		}
		p.Expire()
		time.Sleep(time.Minute)
		w.Put("/c/k07", strings.Repeat("y", size))
		time.Sleep(time.Minute)
		require.Len(w, tree.Load().Value("k07"), size)
		require.EqualValues(w, n+1, decoded.Load())
		held := testworld.Held(func() {
			tree.Close()
			tree = nil
		})
		require.Less(w, float64(held)/(n*size), 2.3, "the bytes and the values")
		require.Greater(w, float64(held)/(n*size), 1.7, "the measurement works")
	})
}
