package views

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

func TestFollowsThroughDeletionAndRecreation(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m := w.open(Config{Path: "/a"})
		require.Equal(t, "-", show(m.Load()))
		w.Put("/a", "one")
		require.Equal(t, "one", w.settled(m))
		w.Put("/a", "two")
		require.Equal(t, "two", w.settled(m))
		w.Remove("/a")
		require.Equal(t, "-", w.settled(m))
		w.Put("/a", "three")
		require.Equal(t, "three", w.settled(m))
		require.EqualValues(t, 5, m.Load().Rev)
	})
}

func TestFollowsChildren(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m := w.open(Config{Path: "/d", Kind: Children})
		require.Equal(t, "-", show(m.Load()))
		w.Put("/d/b", "")
		require.Equal(t, "[b]", w.settled(m))
		w.Put("/d/a", "")
		require.Equal(t, "[a b]", w.settled(m))
		w.Remove("/d/b")
		require.Equal(t, "[a]", w.settled(m))
		w.Remove("/d")
		require.Equal(t, "-", w.settled(m))
		w.Put("/d", "")
		require.Equal(t, "[]", w.settled(m))
	})
}

func TestRequestsPerChange(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "0")
		m := w.open(Config{Path: "/a"})
		synctest.Wait()
		w.Srv.ResetCounts()
		w.Put("/a", "1")
		require.Equal(t, "1", w.settled(m))
		require.Equal(t, 1, w.Srv.Count(zktest.OpGetData))
		require.Zero(t, w.Srv.Count(zktest.OpExists)+w.Srv.Count(zktest.OpSync))
		require.Equal(t, 1, w.Srv.WatchesOf("/a"))
		time.Sleep(time.Hour) // nothing is polled
		require.Equal(t, 1, w.Srv.Count(zktest.OpGetData))
	})
}

func TestNodeMadeBetweenTheTwoReadsOfAMissingOne(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpExists {
				if _, found := w.Srv.Node("/a"); !found {
					require.NoError(t, w.Srv.Put("/a", []byte("made")))
				}
			}
			return zktest.Pass
		})
		defer remove()
		m := w.open(Config{Path: "/a"})
		require.Equal(t, "made", show(m.Load()))
		w.Put("/a", "next")
		require.Equal(t, "next", w.settled(m))
	})
}

func TestOpenRefusesBadInput(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, path := range []string{"", "a", "/", "/a/", "/a//b", "/a/../b", "/zookeeper/x", "/a\x00"} {
			_, err := Open(t.Context(), w.sm, Config{Path: path})
			require.ErrorContains(t, err, "invalid path", "path %q", path)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := Open(ctx, w.sm, Config{Path: "/a"})
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, w.Srv.Count(zktest.OpGetData))
		require.NoError(t, w.sm.Close())
		_, err = Open(t.Context(), w.sm, Config{Path: "/a"})
		require.ErrorIs(t, err, core.ErrClosed)
	})
}

func TestOpenGivesUpWithItsContext(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Srv.Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := Open(ctx, w.sm, Config{Path: "/a"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		w.Srv.Thaw()
	})
}

func TestStaleFromTheLossUntilTheNextRead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		m := w.open(Config{Path: "/a"})
		synctest.Wait()
		require.False(t, m.Stale())
		s := w.p.Current()
		w.p.Link.Refuse(true)
		w.Srv.Disconnect(s.ID())
		synctest.Wait()
		require.True(t, m.Stale())
		require.Equal(t, "one", show(m.Load()))
		w.Put("/a", "two")
		w.p.Link.Refuse(false)
		w.await(m, shows("two"))
		synctest.Wait()
		require.False(t, m.Stale())
		require.Equal(t, s, w.p.Current(), "the session has survived")

		rev := m.Load().Rev
		w.Srv.ResetCounts()
		w.Srv.Disconnect(s.ID())
		time.Sleep(timeout / 2)
		require.False(t, m.Stale())
		require.Equal(t, 1, w.Srv.Count(zktest.OpGetData), "confirmed by one read")
		require.Equal(t, rev, m.Load().Rev, "nothing has changed")
	})
}

func TestFollowsIntoTheNextSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		m := w.open(Config{Path: "/a"})
		for _, want := range []string{"two", "-", "three"} {
			old := w.p.Current()
			w.p.Link.Refuse(true)
			w.Srv.Expire(old.ID())
			if want == "-" {
				w.Remove("/a")
			} else {
				w.Put("/a", want)
			}
			w.p.Link.Refuse(false)
			w.await(m, shows(want))
			synctest.Wait()
			require.False(t, m.Stale())
			require.NotEqual(t, old.ID(), w.p.Current().ID())
		}
		w.Put("/a", "four")
		require.Equal(t, "four", w.settled(m))
	})
}

func TestRefusedReadsAreReportedOnceAndRetried(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		m := w.open(Config{Path: "/a"})
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetData {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		w.Put("/a", "two")
		refused := w.await(m, func(s *State) bool { return s.Err != nil })
		require.ErrorIs(t, refused.Err, core.ErrNoAuth)
		require.Equal(t, "one", show(refused))
		w.Srv.ResetCounts()
		time.Sleep(10 * time.Minute)
		require.Same(t, refused, m.Load(), "reported once")
		n := w.Srv.Count(zktest.OpGetData)
		require.Greater(t, n, 50, "it is tried again")
		require.Less(t, n, 150, "with pauses")
		remove()
		w.await(m, shows("two"))
	})
}

func TestAwait(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		m := w.open(Config{Path: "/a"})
		s := w.p.Current()
		for _, data := range []string{"two", "three", "four"} {
			stat, err := s.Set(t.Context(), "/a", []byte(data), core.AnyVersion)
			require.NoError(t, err)
			require.NoError(t, m.Await(t.Context(), s, stat.Mzxid))
			require.Equal(t, data, show(m.Load()))
		}
		require.NoError(t, s.Delete(t.Context(), "/a", core.AnyVersion))
		require.NoError(t, m.Await(t.Context(), s, 0))
		require.Equal(t, "-", show(m.Load()))

		// A write whose node was deleted again is waited for just as long.
		_, err := s.Create(t.Context(), "/a", []byte("five"), core.Persistent)
		require.NoError(t, err)
		stat, err := s.Set(t.Context(), "/a", []byte("six"), core.AnyVersion)
		require.NoError(t, err)
		require.NoError(t, s.Delete(t.Context(), "/a", core.AnyVersion))
		require.NoError(t, m.Await(t.Context(), s, stat.Mzxid))
		require.Contains(t, []string{"six", "-"}, show(m.Load()), "that write, or what came after it")
		require.Equal(t, "-", w.settled(m))

		w.Srv.Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, m.Await(ctx, s, 0), context.DeadlineExceeded)
		waiting := make(chan error, 1)
		go func() { waiting <- m.Await(t.Context(), s, 0) }()
		synctest.Wait()
		m.Close()
		requireClosed(t, <-waiting)
		requireClosed(t, m.Await(t.Context(), s, 0))
		w.Srv.Thaw()
	})
}

// A write of another session may not have reached the server of the view's
// session.
func TestAwaitOfAnotherSessionsWrite(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		m := w.open(Config{Path: "/a"})
		other := w.process().Current()
		w.Srv.Lag(w.p.Current().ID())
		stat, err := other.Set(t.Context(), "/a", []byte("two"), core.AnyVersion)
		require.NoError(t, err)
		require.Equal(t, "one", w.settled(m))
		require.NoError(t, m.Await(t.Context(), other, stat.Mzxid))
		require.Equal(t, "two", show(m.Load()))
	})
}

func TestEndsWithItsManager(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		m := w.open(Config{Path: "/a"})
		require.NoError(t, m.Err())
		require.NoError(t, w.sm.Close())
		<-m.Done()
		require.ErrorIs(t, m.Err(), core.ErrClosed)
		require.True(t, m.Stale())
		require.Equal(t, "one", show(m.Load()))
		m.Close()
		m.Close()
		require.ErrorIs(t, m.Err(), core.ErrLost, "the first cause stays")
	})
}

func TestCloseEndsEverything(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		calls := 0
		m := w.open(Config{Path: "/a", OnState: func(*State) { calls++ }})
		m.Close()
		requireClosed(t, m.Err())
		w.Srv.ResetCounts()
		w.Put("/a", "two")
		w.Srv.Disconnect(w.p.Current().ID())
		time.Sleep(time.Minute)
		require.Zero(t, w.Srv.Count(zktest.OpGetData)+w.Srv.Count(zktest.OpExists))
		require.Zero(t, w.Srv.WatchesOf("/a"))
		require.Equal(t, 1, calls)
	})
}

func TestAwaitOverALostSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		m := w.open(Config{Path: "/a"})
		old := w.p.Current()
		stat, err := old.Set(t.Context(), "/a", []byte("two"), core.AnyVersion)
		require.NoError(t, err)
		w.p.Link.Refuse(true)
		w.Srv.Expire(old.ID())
		waited := make(chan error, 1)
		go func() { waited <- m.Await(t.Context(), old, stat.Mzxid+1) }()
		time.Sleep(10 * timeout)
		require.Empty(t, waited, "nothing has been read")
		w.p.Link.Refuse(false)
		time.Sleep(timeout)
		require.NoError(t, <-waited)
		require.Equal(t, "two", show(m.Load()))
	})
}
