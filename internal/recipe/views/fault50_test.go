package views

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// showRead prints the nodes below the root with the size of their data, or "?"
// if it was left out.
func showRead(s *TreeState) string {
	var all []string
	for n := range s.All() {
		switch {
		case n.Path == "":
		case n.Unread:
			all = append(all, n.Path+"=?")
		default:
			all = append(all, fmt.Sprintf("%s=%d", n.Path, len(n.Data)))
		}
	}
	return strings.Join(all, " ")
}

// What does not fit is left out with its size, in the order of paths. A large
// node costs only itself, and comes back when there is room.
func TestFault50_BytesOfATree(t *testing.T) {
	eachKind(t, func(w *testworld.World, _ bool) {
		put := func(name string, n int) { w.Put("/d/"+name, strings.Repeat("x", n)) }
		put("a", 400)
		put("b", 700)
		put("c", 500)
		put("c/1", 200)
		put("d", 90)
		tree := openTree(w.Process(), TreeConfig{Path: "/d", MaxBytes: 1000})
		require.Equal(t, "a=400 b=? c=500 c/1=? d=90", showRead(tree.Load()))
		require.Equal(t, LeftOut{Znodes: 2, Bytes: 902, First: []string{"b", "c/1"}}, tree.Load().LeftOut)
		err := tree.Load().LeftOut.Err(5, 1000, func(path string) string { return path })
		require.ErrorIs(t, err, core.ErrLeftOut)
		require.EqualError(t, err, "2 znodes are left out, with 902 bytes, the first is b: "+
			"the limits are 5 znodes (Limit) and 1000 bytes (MaxBytes); raise them, or delete znodes")
		settled := func() string {
			settledTree(tree)
			return showRead(tree.Load())
		}

		put("c", 100)
		require.Equal(t, "a=400 b=? c=100 c/1=200 d=90", settled())
		rev := tree.Load().Rev
		w.Remove("/d/a")
		require.Equal(t, "b=700 c=100 c/1=? d=90", settled(), "b comes back, and the one after it goes")
		require.Greater(t, tree.Load().Rev, rev)
		put("b", 1<<20)
		require.Equal(t, "b=? c=100 c/1=200 d=90", settled())
		w.Remove("/d/b")
		require.Equal(t, "c=100 c/1=200 d=90", settled())
		require.Equal(t, LeftOut{}, tree.Load().LeftOut)
		other := openTree(w.Process(), TreeConfig{Path: "/d", MaxBytes: 1000})
		require.Equal(t, showRead(tree.Load()), showRead(other.Load()))
	})
}

// The first nodes of the whole tree are kept, whichever directory they are in.
func TestFault50_ZnodesOfATree(t *testing.T) {
	eachKind(t, func(w *testworld.World, _ bool) {
		for _, path := range []string{"a", "a/1", "a/2", "b", "b/1", "b/2", "c"} {
			w.Put("/d/"+path, "x")
		}
		tree := openTree(w.Process(), TreeConfig{Path: "/d", Limit: 5})
		require.Equal(t, "= a=x a/1=x a/2=x b=x b/1=x", showTree(tree.Load()))
		require.Equal(t, LeftOut{Znodes: 2, First: []string{"b/2", "c"}}, tree.Load().LeftOut)
		w.Remove("/d/a/1")
		require.Equal(t, "= a=x a/2=x b=x b/1=x b/2=x", settledTree(tree))
		w.Put("/d/a/0", "x")
		require.Equal(t, "= a=x a/0=x a/2=x b=x b/1=x", settledTree(tree))
		w.Remove("/d/b/2")
		w.Remove("/d/b/1")
		require.Equal(t, "= a=x a/0=x a/2=x b=x c=x", settledTree(tree))
		require.Equal(t, LeftOut{}, tree.Load().LeftOut)
	})
}

// A tree of much data costs the bytes of its limit, and not the bytes of the
// tree: in requests, in transfer and in memory. Large nodes may come after many
// small ones, so that their answer is far larger than expected.
func TestFault50_MemoryOfATree(t *testing.T) {
	for name, small := range map[string]int{"large alone": 0, "small first": 200} {
		t.Run(name, func(t *testing.T) {
			eachKind(t, func(w *testworld.World, lasting bool) {
				large, many := strings.Repeat("x", 1<<20-1000), testworld.Sized(40, 150)
				for i := range small {
					w.Put(fmt.Sprintf("/d/a%04d", i), "x")
				}
				for i := range many {
					w.Put(fmt.Sprintf("/d/b%04d", i), large)
				}
				const limit = 8 << 20
				p := w.Process()
				var tree *Tree
				counts := w.Count(func() {
					var err error
					tree, err = OpenTree(w.Context(), p.Core(), TreeConfig{Path: "/d", Depth: 1, MaxBytes: limit})
					require.NoError(w, err)
				})
				require.Equal(w, 1+small+many, tree.Load().Len())
				require.Equal(w, many-8, tree.Load().LeftOut.Znodes, "eight large nodes fit")
				require.LessOrEqual(w, counts["getData"], small+8+2*window)
				require.Less(w, counts["multiRead"], 40)
				for range 3 {
					p.Link.Disconnect()
					time.Sleep(time.Minute)
				}
				require.Equal(w, many-8, tree.Load().LeftOut.Znodes)
				held := testworld.Held(func() {
					tree.Close()
					tree = nil
				})
				require.Greater(w, held, limit*3/4, "the measurement works")
				require.Less(w, held, limit*5/4, "one copy of the data, also after reconnections")
			})
		})
	}
}
