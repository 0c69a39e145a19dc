package views

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// drive returns a tree without a running loop. The test drives it through
// sessions.
type drive struct {
	*Tree
	w *testworld.World
}

func driven(w *testworld.World, cfg TreeConfig) *drive {
	cfg.Pause = DefaultPause
	cfg.OnState = func(s *TreeState) { require.NoError(w, s.Err) }
	t := newTree(nil, cfg)
	t.cancel(nil)
	return &drive{t, w}
}

// in follows the session until all is quiet.
func (d *drive) in(s *core.Session) string {
	d.w.Helper()
	ctx, cancel := context.WithCancelCause(d.w.Context())
	d.ctx = ctx
	done := make(chan struct{})
	go func() { defer close(done); d.follow(s) }()
	time.Sleep(time.Second)
	synctest.Wait()
	cancel(core.ClosedError("the view"))
	<-done
	return showTree(d.Load())
}

func TestHardCase57_TreeInANewSessionOnALaggingServer(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *testworld.World)
		want   string
	}{
		{"an older value", func(w *testworld.World) { w.Put("/d/a", "new") }, "= a=new b=old"},
		{"a node that is new", func(w *testworld.World) { w.Put("/d/c", "new") }, "= a=old b=old c=new"},
		{"a node that is gone", func(w *testworld.World) { w.Remove("/d/b") }, "= a=old"},
		{"a root that is gone", func(w *testworld.World) { w.Remove("/d") }, "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachKind(t, func(w *testworld.World, lasting bool) {
				w.Put("/d/a", "old")
				w.Put("/d/b", "old")
				first, next := w.Process().Current(), w.Process().Current()
				w.Srv.Lag(next.ID())
				d := driven(w, TreeConfig{Path: "/d"})
				require.Equal(t, "= a=old b=old", d.in(first))
				c.change(w)
				require.Equal(t, c.want, d.in(first))
				rev := d.Load().Rev
				require.Equal(t, c.want, d.in(next))
				require.Equal(t, rev, d.Load().Rev, "what is older was never shown")
			})
		})
	}
	t.Run("a root that is new", func(t *testing.T) {
		eachKind(t, func(w *testworld.World, lasting bool) {
			first, next := w.Process().Current(), w.Process().Current()
			w.Srv.Lag(next.ID())
			w.Put("/d/a", "new")
			d := driven(w, TreeConfig{Path: "/d"})
			require.Equal(t, "= a=new", d.in(first))
			require.Equal(t, "= a=new", d.in(next))
			require.EqualValues(t, 1, d.Load().Rev)
		})
	})
}

// A node that may not be read in a new session is shown as in the session
// before.
func TestTreeUnreadableInANewSession(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "1")
		w.Put("/d/b", "1")
		p := w.Process()
		tree := openTree(p, TreeConfig{Path: "/d"})
		w.Fail(zktest.OpGetData, "/d/a", zktest.CodeNoAuth)
		w.Put("/d/b", "2")
		p.Expire()
		awaitTree(w, tree, func(s *TreeState) bool { return s.Err != nil }, "refused")
		require.Equal(t, "= a=1 b=2", showTree(tree.Load()))
		require.ErrorIs(t, tree.Load().Get("a").Err, core.ErrNoAuth)
	})
}

func TestTreeChangesBetweenSessions(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "1")
		w.Put("/d/b/x", "1")
		p := w.Process()
		tree := openTree(p, TreeConfig{Path: "/d"})
		for i, change := range []struct {
			do   func()
			want string
		}{
			{func() { w.Put("/d/a", "2") }, "= a=2 b= b/x=1"},
			{func() { w.Remove("/d/b") }, "= a=2"},
			{func() { w.Put("/d/b/y", "3") }, "= a=2 b= b/y=3"},
			{func() { w.Remove("/d") }, "-"},
			{func() { w.Put("/d/z", "4") }, "= z=4"},
		} {
			p.Link.Refuse(true)
			p.Expire()
			change.do()
			synctest.Wait()
			require.True(t, tree.Stale(), "step %d", i)
			p.Link.Refuse(false)
			awaitTree(w, tree, treeShows(change.want), change.want)
			w.Eventually(func() bool { return !tree.Stale() }, "confirmed")
		}
		w.Put("/d/z", "5")
		require.Equal(t, "= z=5", settledTree(tree))
	})
}

// After a lost connection, one read confirms the whole tree, or the changes of
// the meantime are read.
func TestTreeConfirmedByOneRead(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		for i := range 100 {
			w.Put(fmt.Sprintf("/d/n%02d", i), "x")
		}
		p := w.Process()
		tree := openTree(p, TreeConfig{Path: "/d"})
		time.Sleep(time.Second)
		state := tree.Load()
		counts := w.Count(func() {
			p.Link.Refuse(true)
			p.Link.Disconnect()
			synctest.Wait()
			require.True(t, tree.Stale())
			p.Link.Refuse(false)
			time.Sleep(3 * time.Second)
			require.False(t, tree.Stale())
		})
		if lasting {
			require.LessOrEqual(w, reads(counts), 4, "the root, the children in batches, and the confirmation: %v", counts)
		} else {
			require.Equal(w, 1, reads(counts), "%v", counts)
		}
		require.Same(w, state, tree.Load())

		p.Link.Refuse(true)
		p.Link.Disconnect()
		w.Put("/d/n07", "y")
		w.Put("/d/new", "z")
		counts = w.Count(func() {
			p.Link.Refuse(false)
			time.Sleep(3 * time.Second)
		})
		require.Equal(t, "y", string(tree.Load().Get("n07").Data))
		require.Equal(t, "z", string(tree.Load().Get("new").Data))
		require.LessOrEqual(w, reads(counts), 5,
			"the confirmation, n07, the root's children, and both of new: %v", counts)
	})
}

// One child is deleted between the list that names it and its read. Another one
// is deleted and created again there. A third one is created.
func TestHardCase59_TreeCompleteAlthoughChildrenDie(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		for _, name := range []string{"a", "dies", "again", "z"} {
			w.Put("/d/"+name+"/x", name)
		}
		w.Once(isGet("/d/dies"), func() zktest.Action { w.Remove("/d/dies"); return zktest.Pass })
		w.Once(isGet("/d/again/x"), func() zktest.Action {
			w.Remove("/d/again")
			w.Put("/d/again/y", "made anew")
			w.Put("/d/born", "new")
			return zktest.Pass
		})
		tree := openTree(w.Process(), TreeConfig{Path: "/d"})
		want := "= a= a/x=a again= again/y=made anew born=new z= z/x=z"
		require.Equal(t, want, showTree(tree.Load()), "OpenTree waits for the proven state")
		require.EqualValues(t, 1, tree.Load().Rev)
	})
}

func isGet(path string) func(zktest.Request) bool {
	return func(r zktest.Request) bool { return r.Op == zktest.OpGetData && r.Path == path }
}

// A server that contradicts itself does not make the tree lose a node.
func TestTreeReadThatMissesANode(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "1")
		tree := openTree(w.Process(), TreeConfig{Path: "/d"})
		w.Once(isGet("/d/a"), func() zktest.Action { return zktest.Fail(zktest.CodeNoNode) })
		w.Put("/d/a", "2")
		awaitTree(w, tree, treeShows("= a=2"), "it is back")
	})
}

// A read that is delayed for long does not bring an older value back.
func TestHardCase58_TreeReadComesLate(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "1")
		p := w.Process()
		tree := record(p, TreeConfig{Path: "/d"})
		w.Once(isGet("/d/a"), func() zktest.Action { return zktest.LoseReply })
		w.Put("/d/a", "2")
		synctest.Wait()
		w.Put("/d/a", "3")
		awaitTree(w, tree.Tree, treeShows("= a=3"), "the last value")
		require.Zero(t, tree.check(w))
	})
}

func TestHardCase60_TreeRefusedReadsPause(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "1")
		w.Put("/d/b/x", "1")
		w.Put("/d/c", "1")
		tree := openTree(w.Process(), TreeConfig{Path: "/d"})
		time.Sleep(time.Second)
		restoreData := w.Fail(zktest.OpGetData, "/d/a", zktest.CodeNoAuth)
		restoreList := w.Fail(zktest.OpGetChildren2, "/d/b", zktest.CodeNoAuth)
		w.Put("/d/a", "2")
		w.Put("/d/b/y", "2")
		if lasting { // the list is not read before the connection is a new one
			w.Srv.Restart()
		}
		refused := awaitTree(w, tree, func(s *TreeState) bool { return s.Get("b") != nil && s.Get("b").Err != nil }, "refused")
		require.ErrorIs(t, refused.Err, core.ErrNoAuth)
		require.ErrorContains(t, refused.Err, "/d/a")
		require.ErrorIs(t, refused.Get("a").Err, core.ErrNoAuth)
		require.NoError(t, refused.Get("c").Err)
		require.Equal(t, "= a=1 b= b/x=1 c=1", showTree(refused), "kept as last seen")
		w.Put("/d/c", "2")
		w.Put("/d/b/x", "2")
		want := "= a=1 b= b/x=2 c=2"
		if lasting {
			want = "= a=1 b= b/x=1 c=2" // what is below b is not known on the new connection
		}
		require.Equal(w, want, settledTree(tree), "the rest goes on")
		last := tree.Load()
		counts := w.Count(func() { time.Sleep(10 * time.Minute) })
		require.Same(t, last, tree.Load(), "reported once")
		tries := counts["getData"] + counts["multiRead"]
		require.Greater(w, tries, 50, "it is tried again")
		require.Less(w, tries, 150, "with pauses")
		restoreData()
		restoreList()
		awaitTree(w, tree, treeShows("= a=2 b= b/x=2 b/y=2 c=2"), "all is well")
		w.Put("/d/b/z", "3")
		require.Equal(t, "= a=2 b= b/x=2 b/y=2 b/z=3 c=2", settledTree(tree))
	})
}

func TestTreeUnreadableFromTheStart(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "1")
		w.Put("/d/b", "1")
		restore := w.Fail(zktest.OpGetData, "/d/a", zktest.CodeNoAuth)
		tree := openTree(w.Process(), TreeConfig{Path: "/d"})
		require.Equal(t, "= b=1", showTree(tree.Load()), "one that was never seen is left out")
		require.ErrorIs(t, tree.Load().Err, core.ErrNoAuth)
		restore()
		awaitTree(w, tree, treeShows("= a=1 b=1"), "readable")

		root := w.Fail(zktest.OpGetData, "/d", zktest.CodeNoAuth)
		list := w.Fail(zktest.OpGetChildren2, "/d", zktest.CodeNoAuth)
		blind := openTree(w.Process(), TreeConfig{Path: "/d"})
		require.ErrorIs(t, blind.Load().Err, core.ErrNoAuth)
		require.Zero(t, blind.Load().Len())
		root()
		list()
		awaitTree(w, blind, treeShows("= a=1 b=1"), "readable")
	})
}

// Under a stream of changes without a calm moment, a torn state is published
// from time to time.
func TestTreeUnderAStreamThatNeverPauses(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "0")
		w.Put("/d/b", "0")
		tree := record(w.Process(), TreeConfig{Path: "/d"})
		n := 0
		// Each read of a changes b, and each read of b changes a.
		stop := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetData && (r.Path == "/d/a" || r.Path == "/d/b") {
				n++
				other := map[string]string{"/d/a": "/d/b", "/d/b": "/d/a"}[r.Path]
				require.NoError(t, w.Srv.Put(other, fmt.Append(nil, n)))
			}
			return zktest.Pass
		})
		w.Put("/d/a", "1")
		last := tree.Load()
		for range 5 {
			start := time.Now()
			<-last.Next()
			last = tree.Load()
			require.True(t, last.Torn)
			require.LessOrEqual(t, time.Since(start), DefaultPatience+2*DefaultPause)
		}
		ctx := w.Within(10 * time.Second)
		require.NoError(t, tree.Await(ctx, w.Process().Current(), 0), "nor does it keep a writer waiting for ever")
		opened := openTree(w.Process(), TreeConfig{Path: "/d"})
		require.True(t, opened.Load().Torn)
		stop()
		time.Sleep(5 * time.Second)
		for _, each := range []*Tree{tree.Tree, opened} {
			require.False(t, each.Load().Torn)
			require.Equal(t, "= a="+w.Data("/d/a")+" b="+w.Data("/d/b"), showTree(each.Load()))
		}
		tree.check(w)
	})
}

// A transaction over several nodes is seen as a whole or not at all.
func TestTreeShowsTransactionsWhole(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "0")
		w.Put("/d/b", "0")
		p, q := w.Process(), w.Process()
		p.Link.Delay(3 * time.Millisecond)
		tree := openTree(p, TreeConfig{Path: "/d", OnState: func(s *TreeState) {
			require.False(t, s.Torn)
			require.Equal(t, string(s.Get("a").Data), string(s.Get("b").Data))
		}})
		for i := range 100 {
			data := fmt.Append(nil, i)
			_, err := q.Core().Txn(w.Context(), core.SetOp("/d/a", data, -1), core.SetOp("/d/b", data, -1))
			require.NoError(t, err)
			time.Sleep(time.Duration(i) * time.Millisecond)
		}
		require.Equal(t, "= a=99 b=99", settledTree(tree))
		require.Greater(t, tree.Load().Rev, uint64(50))
	})
}

func TestTreeWipe(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		for i := range 8 {
			w.Put("/d/a", fmt.Sprint(i))
		}
		tree := openTree(w.Process(), TreeConfig{Path: "/d"})
		top := w.Srv.Zxid()
		w.Srv.Wipe()
		w.Put("/d/a", "restored")
		require.Less(t, w.Srv.Zxid(), top)
		refused := awaitTree(w, tree, func(s *TreeState) bool { return s.Err != nil }, "doubted")
		require.ErrorIs(t, refused.Err, ErrHistory)
		require.Equal(t, "= a=7", showTree(refused))
		require.True(t, tree.Stale())
		start := time.Now()
		awaitTree(w, tree, treeShows("= a=restored"), "believed")
		require.GreaterOrEqual(t, time.Since(start), core.DefaultTimeout-time.Second)
		require.LessOrEqual(t, time.Since(start), core.DefaultTimeout+2*pauses.Max)
		w.Put("/d/b", "goes on")
		require.Equal(t, "= a=restored b=goes on", settledTree(tree))
		require.False(t, tree.Stale())

		w.Srv.Wipe()
		awaitTree(w, tree, treeShows("-"), "gone")
	})
}

// A blocking OnState delays only its own tree.
func TestHardCase55_TreeWithASlowListener(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		w.Put("/d/a", "1")
		p := w.Process()
		gate := make(chan struct{})
		first := true
		slow := openTree(p, TreeConfig{Path: "/d", OnState: func(*TreeState) {
			if !first {
				<-gate
			}
			first = false
		}})
		other := openTree(p, TreeConfig{Path: "/d"})
		w.Put("/d/a", "2")
		require.Equal(t, "= a=2", settledTree(other))
		require.Equal(t, "= a=1", showTree(slow.Load()))
		w.Put("/d/a", "3")
		require.Equal(t, "= a=3", settledTree(other))
		close(gate)
		require.Equal(t, "= a=3", settledTree(slow))
	})
}
