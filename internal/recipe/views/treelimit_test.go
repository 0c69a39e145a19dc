package views

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// A directory that another client has filled costs its list, and as many reads
// as the limit allows.
func TestTreeLimit(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		for i := range 100 {
			w.Put(fmt.Sprintf("/d/n%02d", i), "x")
		}
		w.Put("/d/_foreign", "x")
		p := w.Process()
		var tree *Tree
		keep := func(rel string) bool { return rel[0] == 'n' }
		counts := w.Count(func() { tree = openTree(p, TreeConfig{Path: "/d", Depth: 1, Keep: keep, Limit: 3}) })
		if lasting {
			require.Equal(w, map[string]int{"addWatch": 1, "multiRead": 2}, counts)
		} else {
			require.Equal(w, 4, counts["getData"])
		}
		require.Equal(t, "= n00=x n01=x n02=x", showTree(tree.Load()))
		require.Equal(t, 97, tree.Load().LeftOut.Znodes)

		w.Remove("/d/n01")
		require.Equal(t, "= n00=x n02=x n03=x", settledTree(tree))
		require.Equal(t, 96, tree.Load().LeftOut.Znodes)
		rev := tree.Load().Rev
		w.Remove("/d/n99")
		settledTree(tree)
		require.Equal(t, 95, tree.Load().LeftOut.Znodes)
		require.Equal(t, rev, tree.Load().Rev)
		for i := range 99 {
			if i != 1 {
				w.Remove(fmt.Sprintf("/d/n%02d", i))
			}
		}
		require.Equal(t, "=", settledTree(tree))
		require.Zero(t, tree.Load().LeftOut.Znodes)

		_, err := OpenTree(w.Context(), p.Core(), TreeConfig{Path: "/d", Limit: -1})
		require.ErrorContains(t, err, "limit -1")
	})
}

// A server sends a list as a whole. A client that changes a directory beyond Limit
// again and again does not keep a reader busy with lists: they take a tenth of the
// time. A directory within Limit has no such pause.
func TestTreeLimitBoundsTheListsOfABusyDirectory(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		for i := range 10 {
			w.Put(fmt.Sprintf("/d/n%d", i), "")
		}
		w.Put("/small/n", "")
		rounds := func(dir string) int {
			p := w.Process()
			tree := openTree(p, TreeConfig{Path: dir, Depth: 1, Limit: 10, Pause: time.Millisecond})
			p.Link.Delay(50 * time.Millisecond)
			before := tree.Load().Rev
			counts := w.Count(func() {
				for range 1000 {
					w.Put(dir+"/x", "")
					time.Sleep(20 * time.Millisecond)
					w.Remove(dir + "/x")
					time.Sleep(20 * time.Millisecond)
				}
			})
			settledTree(tree)
			require.GreaterOrEqual(w, tree.Load().Rev, before)
			tree.Close()
			return counts["multiRead"] + counts["getChildren2"]
		}
		w.Put("/d/o", "") // the eleventh
		long, short := rounds("/d"), rounds("/small")
		require.Less(w, long, 100, "of 40 seconds")
		require.Greater(w, long, 5)
		require.Greater(w, short, 3*long)
	})
}

func TestTreeNamesOnly(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		for i := range 10 {
			w.Put(fmt.Sprintf("/d/n%d", i), "x")
		}
		p := w.Process()
		var tree *Tree
		counts := w.Count(func() { tree = openTree(p, TreeConfig{Path: "/d", Depth: 1, NamesOnly: true}) })
		require.LessOrEqual(w, counts["getData"], 1, "the root's")
		require.Equal(t, 11, tree.Load().Len())
		time.Sleep(time.Second)
		counts = w.Count(func() {
			w.Put("/d/n3", "y")
			w.Remove("/d/n4")
			time.Sleep(time.Second)
		})
		require.Zero(t, counts["getData"])
		require.LessOrEqual(w, reads(counts), 2)
		require.Equal(t, "= n0= n1= n2= n3= n5= n6= n7= n8= n9=", showTree(tree.Load()))
		p.Expire()
		w.Remove("/d/n5")
		w.Eventually(func() bool { return tree.Load().Get("n5") == nil && !tree.Stale() }, "seen in the next session")
		require.Equal(t, "= n0= n1= n2= n3= n6= n7= n8= n9=", showTree(tree.Load()))
	})
}

// A read that waits for a connection, or for a server that hangs, says little
// about the size of a list. The next change is shown in time nevertheless.
func TestTreeLimitForgetsOutages(t *testing.T) {
	shows := func(t *testing.T, fault func(w *testworld.World, p *testworld.Process), within time.Duration) {
		eachKind(t, func(w *testworld.World, _ bool) {
			for i := range 4 {
				w.Put(fmt.Sprintf("/d/n%d", i), "")
			}
			p := w.Process(testworld.Timeout(time.Minute))
			fault(w, p)
			tree := openTree(p, TreeConfig{Path: "/d", Limit: 2})
			w.Remove("/d/n0")
			time.Sleep(within)
			synctest.Wait()
			require.Equal(w, "= n1= n2=", showTree(tree.Load()))
		})
	}
	// A server without persistent watches closes the connection that asks for one.
	t.Run("no server can be reached", func(t *testing.T) {
		shows(t, func(_ *testworld.World, p *testworld.Process) {
			p.Link.Refuse(true)
			time.AfterFunc(5*time.Second, func() { p.Link.Refuse(false) })
		}, 2*DefaultPause)
	})
	t.Run("a server hangs", func(t *testing.T) {
		shows(t, func(w *testworld.World, _ *testworld.Process) {
			time.AfterFunc(10*time.Second, w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Path == "/d" && (r.Op == zktest.OpGetChildren || r.Op == zktest.OpGetChildren2) {
					return zktest.Delay(6 * time.Second)
				}
				return zktest.Action{}
			}))
		}, longest+2*DefaultPause)
	})
}
