package views

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// eachKind runs f as a test for servers that watch a whole tree, and for older
// ones, on which each read leaves a watch.
func eachKind(t *testing.T, f func(w *testworld.World, lasting bool)) {
	t.Run("one watch", func(t *testing.T) {
		testworld.Run(t, func(w *testworld.World) { f(w, true) })
	})
	t.Run("one watch, as 3.9 keeps it", func(t *testing.T) {
		testworld.Run(t, func(w *testworld.World) { f(w, true) }, zktest.Version(zktest.V39))
	})
	t.Run("watches of one shot", func(t *testing.T) {
		testworld.Run(t, func(w *testworld.World) { f(w, false) }, zktest.Version(zktest.V35))
	})
}

// reads are the reads among counted requests.
func reads(counts map[string]int) int {
	return counts["getData"] + counts["getChildren2"] + counts["exists"] + counts["multiRead"]
}

func openTree(p *testworld.Process, cfg TreeConfig) *Tree {
	p.W.Helper()
	t, err := OpenTree(p.W.Context(), p.Core(), cfg)
	require.NoError(p.W, err)
	p.W.Cleanup(t.Close)
	return t
}

// showTree prints a state: "-" for a missing root, else each node as path=data.
func showTree(s *TreeState) string {
	if !s.Exists {
		return "-"
	}
	var b strings.Builder
	for n := range s.All() {
		fmt.Fprintf(&b, "%s=%s ", n.Path, n.Data)
	}
	return strings.TrimSpace(b.String())
}

// settledTree waits until all goroutines are idle, after all pauses.
func settledTree(t *Tree) string {
	time.Sleep(2 * DefaultPause)
	synctest.Wait()
	return showTree(t.Load())
}

func awaitTree(w *testworld.World, t *Tree, ok func(*TreeState) bool, what string) *TreeState {
	w.Helper()
	w.Eventually(func() bool { return ok(t.Load()) }, "%s; last: %q, err %v", what, showTree(t.Load()), t.Load().Err)
	return t.Load()
}

func treeShows(want string) func(*TreeState) bool {
	return func(s *TreeState) bool { return showTree(s) == want && s.Err == nil }
}

func TestHardCase56_TreeFollows(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		p := w.Process()
		tree := openTree(p, TreeConfig{Path: "/d"})
		require.Equal(t, "-", showTree(tree.Load()))
		steps := []struct {
			do   func()
			want string
		}{
			{func() { w.Put("/d", "root") }, "=root"},
			{func() { w.Put("/d/b", "1") }, "=root b=1"},
			{func() { w.Put("/d/a/x/y", "2") }, "=root a= a/x= a/x/y=2 b=1"},
			{func() { w.Put("/d/a/x/y", "3") }, "=root a= a/x= a/x/y=3 b=1"},
			{func() { w.Put("/d/a/x", "4") }, "=root a= a/x=4 a/x/y=3 b=1"},
			{func() { w.Remove("/d/a/x") }, "=root a= b=1"},
			{func() { w.Remove("/d/a"); w.Put("/d/a/z", "5") }, "=root a= a/z=5 b=1"},
			{func() { w.Remove("/d/b"); w.Put("/d/b", "6") }, "=root a= a/z=5 b=6"},
			{func() { w.Remove("/d"); w.Put("/d/n", "7") }, "= n=7"},
			{func() { w.Remove("/d") }, "-"},
			{func() { w.Put("/d/n", "8") }, "= n=8"},
		}
		for _, step := range steps {
			step.do()
			require.Equal(t, step.want, settledTree(tree))
			require.False(t, tree.Load().Torn)
		}
		require.Equal(t, "8", string(tree.Load().Get("n").Data))
		require.NotNil(t, tree.Load().Get(""))
		require.Nil(t, tree.Load().Get("m"))
	})
}

func TestTreeDepthAndKeep(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a/b/c", "deep")
		w.Put("/d/_foreign/x", "")
		p := w.Process()
		one := openTree(p, TreeConfig{Path: "/d", Depth: 1})
		two := openTree(p, TreeConfig{Path: "/d", Depth: 2, Keep: func(rel string) bool {
			require.NotEmpty(t, rel)
			return !strings.HasPrefix(rel, "_")
		}})
		require.Equal(t, "= _foreign= a=", showTree(one.Load()))
		require.Equal(t, "= a= a/b=", showTree(two.Load()))
		rev := two.Load().Rev
		w.Put("/d/a/b/c2", "")
		w.Put("/d/_more/y", "")
		require.Equal(t, "= a= a/b=", settledTree(two))
		require.Equal(t, rev, two.Load().Rev, "nothing of the tree has changed")
		root := openTree(p, TreeConfig{Path: "/", Depth: 1})
		require.Equal(t, "= d=", showTree(root.Load()), "the server's own nodes are left out")
	})
}

func TestTreeRefusesBadInput(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		p := w.Process()
		for _, cfg := range []TreeConfig{
			{Path: ""}, {Path: "d"}, {Path: "/d/"}, {Path: "/d", Depth: -1}, {Path: "/d", Pause: -1},
		} {
			_, err := OpenTree(w.Context(), p.Core(), cfg)
			require.Error(t, err, "%+v", cfg)
		}
		_, err := OpenTree(testworld.Cancelled(), p.Core(), TreeConfig{Path: "/d"})
		require.ErrorIs(t, err, context.Canceled)
		w.Srv.Freeze()
		_, err = OpenTree(w.Within(time.Second), p.Core(), TreeConfig{Path: "/d"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		w.Srv.Thaw()
		require.NoError(t, p.Close())
		_, err = OpenTree(w.Context(), p.Core(), TreeConfig{Path: "/d"})
		require.ErrorIs(t, err, core.ErrClosed)
	})
}

// Reads share round trips: 2,000 nodes over a slow link are read in a few dozen
// round trips.
func TestTreeReadsManyAtATime(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		for i := range 2000 {
			w.Put(fmt.Sprintf("/d/n%04d", i), "x")
		}
		p := w.Process()
		openTree(p, TreeConfig{Path: "/other"}) // so that the process knows what servers can do
		const oneWay = 10 * time.Millisecond
		p.Link.Delay(oneWay)
		start := time.Now()
		tree := openTree(p, TreeConfig{Path: "/d", Depth: 1})
		require.Equal(t, 2001, tree.Load().Len())
		trips := 2000/window + 4
		if lasting {
			trips = 10
		}
		require.LessOrEqual(w, time.Since(start), time.Duration(trips)*2*oneWay)
		p.Link.Delay(0)
	})
}

// Foreign children, however many, cost one list.
func TestHardCase59_ForeignChildrenCostOneList(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		for i := range 20_000 {
			w.Put(fmt.Sprintf("/d/foreign-%d", i), "")
		}
		w.Put("/d/mine", "1")
		p := w.Process()
		counts := w.Count(func() {
			tree := openTree(p, TreeConfig{Path: "/d", Keep: func(rel string) bool { return rel == "mine" }})
			require.Equal(t, "= mine=1", showTree(tree.Load()))
		})
		if lasting {
			require.Equal(w, map[string]int{"addWatch": 1, "multiRead": 2}, counts, "of the root and of the one kept")
			return
		}
		require.Equal(w, 2, counts["getChildren2"])
		require.Equal(w, 2, counts["getData"], "of the root and of the one kept")
	})
}

func TestTreeRequestsPerChange(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		for i := range 20 {
			w.Put(fmt.Sprintf("/d/n%d", i), "x")
		}
		p := w.Process()
		tree := openTree(p, TreeConfig{Path: "/d", Depth: 1})
		time.Sleep(time.Second)
		counts := w.Count(func() {
			w.Put("/d/n7", "y")
			require.Equal(t, "y", string(func() *TreeNode { settledTree(tree); return tree.Load().Get("n7") }().Data))
		})
		made := w.Count(func() { w.Put("/d/new", ""); settledTree(tree) })
		gone := w.Count(func() { w.Remove("/d/new"); settledTree(tree) })
		if lasting {
			for _, each := range []map[string]int{counts, made, gone} {
				require.Equal(w, map[string]int{"multiRead": 1}, each)
			}
		} else {
			require.Equal(w, map[string]int{"getData": 1}, counts)
			require.Equal(w, map[string]int{"getChildren2": 1, "getData": 1}, made)
			require.LessOrEqual(w, gone["getData"], 1)
			require.Equal(w, 1, gone["getChildren2"])
		}
		require.Zero(w, reads(w.Count(func() { time.Sleep(time.Hour) })), "nothing is polled")
	})
}

// 1,000 changes in bursts, 50 watchers: at most a twentieth of a list for each
// change and watcher.
func TestTreeCoalescesBursts(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		const members, watchers, bursts, changes = 200, 10, 10, 100
		for i := range members {
			w.Put(fmt.Sprintf("/d/m%04d", i), "")
		}
		var trees []*Tree
		for range watchers {
			trees = append(trees, openTree(w.Process(), TreeConfig{Path: "/d", Depth: 1}))
		}
		time.Sleep(time.Second)
		counts := w.Count(func() {
			for b := range bursts {
				for c := range changes {
					w.Put(fmt.Sprintf("/d/b%d-%d", b, c), "")
					time.Sleep(time.Millisecond)
				}
				time.Sleep(5 * time.Second)
			}
		})
		each := counts["getChildren2"] + counts["multiRead"]
		w.Logf("%d lists or batches for %d changes and %d watchers", each, bursts*changes, watchers)
		require.LessOrEqual(w, each, bursts*changes*watchers/20)
		for _, tree := range trees {
			require.Equal(t, 1+members+bursts*changes, tree.Load().Len())
		}
	})
}

func TestTreeFirstChangeIsReadAtOnce(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "1")
		tree := openTree(w.Process(), TreeConfig{Path: "/d"})
		time.Sleep(time.Second)
		start := time.Now()
		w.Put("/d/b", "2")
		synctest.Wait()
		require.Equal(t, "= a=1 b=2", showTree(tree.Load()))
		w.Put("/d/c", "3")
		synctest.Wait()
		require.Equal(t, "= a=1 b=2", showTree(tree.Load()), "coalesced")
		<-tree.Load().Next()
		require.Equal(t, DefaultPause, time.Since(start))
		require.Equal(t, "= a=1 b=2 c=3", showTree(tree.Load()))
	})
}

func TestTreeAwait(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "0")
		p, q := w.Process(), w.Process()
		tree := openTree(p, TreeConfig{Path: "/d"})
		for i := range 5 {
			stat, err := p.Set(w.Context(), "/d/a", fmt.Append(nil, i), core.AnyVersion)
			require.NoError(t, err)
			require.NoError(t, tree.Await(w.Context(), p.Current(), stat.Mzxid))
			require.Equal(t, fmt.Sprintf("= a=%d", i), showTree(tree.Load()))
		}
		w.Srv.Lag(p.Current().ID())
		stat, err := q.Set(w.Context(), "/d/a", []byte("foreign"), core.AnyVersion)
		require.NoError(t, err)
		require.Equal(t, "= a=4", settledTree(tree))
		require.NoError(t, tree.Await(w.Context(), q.Current(), stat.Mzxid))
		require.Equal(t, "= a=foreign", showTree(tree.Load()))

		other := q.Current()
		w.Srv.Freeze()
		// The server has to catch up with a write of another session.
		require.ErrorIs(t, tree.Await(w.Within(time.Second), other, 0), context.DeadlineExceeded)
		call := testworld.Go(w, func(ctx context.Context) (int, error) { return 0, tree.Await(ctx, other, 0) })
		require.True(t, call.Waiting())
		tree.Close()
		_, err = call.Result()
		requireClosed(t, err)
		w.Srv.Thaw()
	})
}

func TestHardCase60_TreeEnds(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "1")
		p := w.Process()
		calls := 0
		closed := openTree(p, TreeConfig{Path: "/d", OnState: func(*TreeState) { calls++ }})
		closed.Close()
		closed.Close()
		requireClosed(t, closed.Err())
		counts := w.Count(func() {
			w.Put("/d/a", "2")
			w.Srv.Disconnect(p.Current().ID())
			time.Sleep(time.Minute)
		})
		require.Zero(w, reads(counts))
		require.Equal(t, 1, calls)

		open := openTree(p, TreeConfig{Path: "/d"})
		require.NoError(t, open.Err())
		require.NoError(t, p.Close())
		<-open.Done()
		require.ErrorIs(t, open.Err(), core.ErrClosed)
		require.ErrorIs(t, open.Err(), core.ErrLost)
		require.True(t, open.Stale())
		require.Equal(t, "= a=2", showTree(open.Load()))
	})
}
