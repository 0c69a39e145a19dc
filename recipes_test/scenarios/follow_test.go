package scenarios

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// teller forwards the events of a follower.
type teller chan core.Followed

func (l teller) f(e core.Followed) { l <- e }

// hears demands the given events, in order, and no others before them.
func (l teller) hears(tb testing.TB, want ...core.Followed) {
	tb.Helper()
	for i, e := range want {
		require.Equal(tb, e, l.next(tb), "event %d", i)
	}
}

func (l teller) next(tb testing.TB) (e core.Followed) {
	tb.Helper()
	select {
	case e = <-l:
	case <-time.After(patience):
		require.Fail(tb, "an event is missing")
	}
	return e
}

func woken(tb testing.TB, w *core.Watch) {
	tb.Helper()
	select {
	case <-w.Done():
	case <-time.After(patience):
		require.Fail(tb, "a watch is not woken")
	}
}

func follow(tb testing.TB, s *core.Session, path string, recursive bool) (*core.Follower, teller) {
	tb.Helper()
	l := make(teller, 1000)
	f, err := s.Follow(within(tb, patience), path, recursive, l.f)
	require.NoError(tb, err)
	return f, l
}

// live makes, changes and deletes a small tree.
func live(tb testing.TB, sm *session.Manager, path string) {
	tb.Helper()
	ctx := within(tb, patience)
	create := func(path string) {
		_, err := sm.Create(ctx, path, nil, session.Persistent)
		require.NoError(tb, err)
	}
	set := func(path string) {
		_, err := sm.Set(ctx, path, []byte("x"), session.AnyVersion)
		require.NoError(tb, err)
	}
	create(path)
	set(path)
	create(path + "/b")
	set(path + "/b")
	require.NoError(tb, sm.Delete(ctx, path+"/b", session.AnyVersion))
	require.NoError(tb, sm.Delete(ctx, path, session.AnyVersion))
}

func livesOf(path string) (node, tree []core.Followed) {
	node = []core.Followed{
		{Event: core.NodeCreated, Path: path}, {Event: core.NodeDataChanged, Path: path},
		{Event: core.NodeChildrenChanged, Path: path}, {Event: core.NodeChildrenChanged, Path: path},
		{Event: core.NodeDeleted, Path: path},
	}
	tree = []core.Followed{
		{Event: core.NodeCreated, Path: path}, {Event: core.NodeDataChanged, Path: path},
		{Event: core.NodeCreated, Path: path + "/b"}, {Event: core.NodeDataChanged, Path: path + "/b"},
		{Event: core.NodeDeleted, Path: path + "/b"}, {Event: core.NodeDeleted, Path: path},
	}
	return node, tree
}

// A real server sends followers the same events as zktest, whatever other
// watches the path has: the other kind of persistent watch, and one-shot
// watches from before and during the following.
func TestFollow(t *testing.T) {
	t.Parallel()
	e := ensemble.Start(t, 1)
	e.RequireVersion(t, 3, 6)
	p := start(t, e, lasting)
	other := observer(t, e)
	s, err := bridge.Core(p.Manager).Session(within(t, patience))
	require.NoError(t, err)
	ctx := within(t, 3*patience)
	for i, order := range [][]bool{{false}, {true}, {false, true}, {true, false}} {
		t.Run(fmt.Sprint("recursive ", order), func(t *testing.T) {
			path := fmt.Sprintf("/t%d", i)
			node, tree := livesOf(path)
			_, _, before, err := s.ExistsW(ctx, path)
			require.NoError(t, err)
			var followers []*core.Follower
			var told []teller
			for _, recursive := range order {
				f, l := follow(t, s, path, recursive)
				followers, told = append(followers, f), append(told, l)
			}
			check := func() {
				t.Helper()
				for i, recursive := range order {
					if recursive {
						told[i].hears(t, tree...)
					} else {
						told[i].hears(t, node...)
					}
				}
			}
			live(t, other, path)
			woken(t, before)
			check()

			_, _, meanwhile, err := s.ExistsW(ctx, path)
			require.NoError(t, err)
			live(t, other, path)
			woken(t, meanwhile)
			check()

			p.proxy.DisconnectAll()
			for _, l := range told {
				l.hears(t, core.Followed{Event: core.Resumed})
			}
			require.NoError(t, s.Sync(ctx, "/")) // when it is answered, the watches are set again
			live(t, other, path)
			check()
			for _, f := range followers {
				f.Stop()
			}
			require.NoError(t, s.Sync(ctx, "/"))
			live(t, other, path)
			require.NoError(t, s.Sync(ctx, "/"))
			for _, l := range told {
				require.Empty(t, l)
			}
			watches, err := e.Server(0).Word("wchp")
			require.NoError(t, err)
			require.False(t, strings.Contains(watches, path+"\n"), watches)
		})
	}
}

// One-shot watches of both kinds are set before a follower of their node and
// during its life. The next change wakes them, and also those that remain when
// the follower stops.
func TestFollowAndWatches(t *testing.T) {
	t.Parallel()
	e := ensemble.Start(t, 1)
	e.RequireVersion(t, 3, 6)
	p := start(t, e, lasting)
	other := observer(t, e)
	s, err := bridge.Core(p.Manager).Session(within(t, patience))
	require.NoError(t, err)
	ctx := within(t, 3*patience)
	for _, recursive := range []bool{false, true} {
		t.Run(fmt.Sprint("recursive ", recursive), func(t *testing.T) {
			path := fmt.Sprintf("/w%v", recursive)
			_, err := other.Create(ctx, path, nil, session.Persistent)
			require.NoError(t, err)
			watch := func() (data, children *core.Watch) {
				_, _, data, err := s.GetW(ctx, path)
				require.NoError(t, err)
				_, _, children, err = s.ChildrenW(ctx, path)
				require.NoError(t, err)
				return data, children
			}
			change := func() {
				_, err := other.Set(ctx, path, nil, session.AnyVersion)
				require.NoError(t, err)
				_, err = other.Create(ctx, path+"/n", nil, session.Sequential)
				require.NoError(t, err)
			}
			data, children := watch()
			f, l := follow(t, s, path, recursive)
			stopped, stoppedToo := watch()
			stopped.Stop()
			stoppedToo.Stop()
			for range 3 {
				change()
				woken(t, data)
				woken(t, children)
				want := core.NodeChildrenChanged
				if recursive {
					want = core.NodeCreated
				}
				require.Equal(t, core.NodeDataChanged, l.next(t).Event)
				require.Equal(t, want, l.next(t).Event)
				data, children = watch()
			}
			f.Stop()
			woken(t, data)
			woken(t, children)
			data, children = watch()
			change()
			woken(t, data)
			woken(t, children)
			require.Equal(t, core.NodeChildrenChanged, children.Event())
		})
	}
}
