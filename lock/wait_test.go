package lock_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The predecessor goes after it was listed and before it is watched.
func TestHardCase31_PredecessorGoneBeforeWatch(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		h := a.lock()
		synctest.Wait()
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if _, stands := w.Srv.Node(h.Path()); r.Op == zktest.OpGetData && r.Path == h.Path() && stands {
				require.NoError(t, w.Srv.Remove(h.Path()))
			}
			return zktest.Pass
		})
		q := b.queue()
		require.False(t, q.Waiting())
		require.NoError(t, q.Get().Err())
	})
}

// A vanished predecessor leaves no watch, as an exists would; TryLock sets
// none.
func TestHardCase32_NoExistsWatch(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		h := a.lock()
		synctest.Wait()
		counts := w.Count(func() {
			_, err := b.mutex().TryLock(t.Context())
			require.ErrorIs(t, err, lock.ErrHeld)
		})
		require.Equal(t, 1, counts["getData"], "a read of the holder, for the error")
		require.Zero(t, counts["exists"])
		require.Zero(t, w.Srv.SessionWatches(b.Current().ID()))
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			require.NotEqual(t, zktest.OpExists, r.Op)
			if _, stands := w.Srv.Node(h.Path()); r.Op == zktest.OpGetData && r.Path == h.Path() && stands {
				require.NoError(t, w.Srv.Remove(h.Path()))
			}
			return zktest.Pass
		})
		next := b.lock()
		require.Zero(t, w.Srv.WatchesOf(h.Path()))
		require.NoError(t, next.Release())
		synctest.Wait()
		require.Zero(t, w.Srv.Watches())
	})
}

// A wait with a deadline keeps it, however often it is woken.
func TestHardCase38_WakesDoNotRestartTheWait(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h := w.process().lock()
		p := w.process()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		done := make(chan error)
		go func() {
			_, err := p.mutex().Lock(ctx)
			done <- err
		}()
		for range 5 {
			time.Sleep(500 * time.Millisecond)
			counts := w.Count(func() { require.NoError(t, w.Srv.Put(h.Path(), []byte("touched"))) })
			require.Equal(t, map[string]int{"getData": 2}, counts, "the holder and the waiter watch again: no list")
		}
		require.ErrorIs(t, <-done, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(start))
		require.NoError(t, h.Err())
	})
}

// Both watch again after the node was written to, and so notice its end.
func TestHoldersDataChanged(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h := w.process().lock()
		q := w.process().queue()
		time.Sleep(time.Second) // holds are watched by now
		for range 3 {
			require.NoError(t, w.Srv.Put(h.Path(), []byte("__REVOKE__")))
			require.True(t, q.Waiting())
			require.NoError(t, h.Err())
		}
		require.NoError(t, w.Srv.Remove(h.Path()))
		require.False(t, q.Waiting())
		require.ErrorIs(t, h.Err(), session.ErrDeleted)
	})
}

// A call that was cancelled leaves no mark on the Mutex.
func TestHardCase40_CancelBeforeAcquire(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		m := p.mutex()
		_, err := m.Lock(testworld.Cancelled())
		require.ErrorIs(t, err, context.Canceled)
		h, err := m.Lock(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = m.Lock(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, h.Release())
		h, err = m.Lock(t.Context())
		require.NoError(t, err)
		require.NoError(t, h.Err())
	})
}

// A wait that times out, and an attempt that fails between its create and its
// list, leave no node.
func TestHardCase41_FailedAcquireLeavesNoNode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		for _, code := range []zktest.Code{zktest.CodeNoAuth, zktest.CodeSystemError} {
			w.once(zktest.OpGetChildren2, 2, testworld.Always(zktest.Fail(code)))
			_, err := p.mutex().Lock(t.Context())
			require.Error(t, err)
			synctest.Wait()
			require.Empty(t, w.nodes())
		}
		for _, fault := range []zktest.Action{zktest.DropRequest, zktest.LoseReply} {
			w.once(zktest.OpGetChildren2, 1, testworld.Always(fault))
			require.NoError(t, p.lock().Release(), "a list can be asked for again")
			require.Empty(t, w.nodes())
		}
		h := w.process().lock()
		synctest.Wait()                           // the holder has read its own node
		for _, own := range []bool{false, true} { // the read of the holder's node, and of our own
			remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Op == zktest.OpGetData && (r.Path != h.Path()) == own {
					return zktest.Fail(zktest.CodeSystemError)
				}
				return zktest.Pass
			})
			w.within(time.Second, func() {
				_, err := p.mutex().Lock(t.Context())
				require.ErrorContains(t, err, "-1")
			})
			remove()
			synctest.Wait()
			require.Len(t, w.nodes(), 1)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.mutex().Lock(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, h.Path(), "it says behind whom it waited")
		synctest.Wait()
		require.Len(t, w.nodes(), 1)
	})
}

// The predecessor goes while the waiter is cut off from the news.
func TestHardCase42_SuspendedWhileWaiting(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		h := a.lock()
		q := b.queue()
		before := b.Current().ID()
		for range 3 { // a flicker alone changes nothing
			b.Link.Disconnect()
			time.Sleep(2 * time.Second)
			require.True(t, q.Waiting())
		}
		b.Link.Refuse(true)
		b.Link.Disconnect()
		time.Sleep(time.Second)
		require.NoError(t, h.Release())
		require.True(t, q.Waiting())
		b.Link.Refuse(false)
		w.within(3*time.Second, func() { require.EqualValues(t, before, q.Get().SessionID()) })
		require.Len(t, w.nodes(), 1)
	})
}

// Our own znode goes while we wait: with its session, or by another client's
// delete.
func TestHardCase43_OwnNodeGoneWhileWaiting(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		h := a.lock()
		q, behind := b.queue(), w.process().queue()
		first := w.nodes()[1]
		require.NoError(t, w.Srv.Remove(dir+"/"+first))
		require.True(t, q.Waiting())
		require.NotContains(t, w.nodes(), first)
		require.Len(t, w.nodes(), 3, "it has lined up again, at the end")

		w.Srv.Expire(b.Current().ID())
		time.Sleep(5 * time.Second)
		require.True(t, q.Waiting())
		require.Len(t, w.nodes(), 3)

		require.NoError(t, h.Release())
		next := behind.Get()
		require.True(t, q.Waiting())
		require.NoError(t, next.Release())
		last := q.Get()
		require.EqualValues(t, b.Current().ID(), last.SessionID())
		require.Greater(t, last.Token(), next.Token())
	})
}

// A client that deletes our znode again and again does not provoke a storm of
// requests.
func TestDeletedAgainAndAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		h := w.process().lock()
		q := p.queue()
		deadline := time.Now().Add(time.Minute)
		made := 0
		for time.Now().Before(deadline) {
			for _, name := range w.nodes() {
				if !strings.HasSuffix(h.Path(), name) {
					made++
					require.NoError(t, w.Srv.Remove(dir+"/"+name))
				}
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
		}
		require.Less(t, made, 300)
		w.within(2*time.Second, func() {
			require.NoError(t, h.Release())
			q.Get()
		})
	})
}

// The session ends in the very moment in which we become the holder. Whatever
// Lock returns, no hold outlives its session.
func TestSessionEndsAsTheLockIsWon(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		h := a.lock()
		q := b.queue()
		old := b.Current().ID()
		b.Link.Cut(zktest.ToClient) // the news of both arrive together
		require.NoError(t, h.Release())
		w.Srv.Expire(old)
		b.Link.Heal()
		next := q.Get()
		synctest.Wait()
		if int64(next.SessionID()) == old {
			require.ErrorIs(t, next.Err(), session.ErrLost)
			next = b.lock()
		}
		require.NoError(t, next.Err())
		require.NotEqualValues(t, old, next.SessionID())
	})
}

// A server that does not answer for a while, and one that restarts.
func TestFrozenAndRestartedServer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h := w.process().lock()
		q := w.process().queue()
		w.Srv.Freeze()
		time.Sleep(3 * time.Second)
		w.Srv.Thaw()
		require.True(t, q.Waiting())
		w.Srv.Restart()
		time.Sleep(3 * time.Second)
		require.True(t, q.Waiting())
		require.NoError(t, h.Err())
		require.NoError(t, h.Release())
		q.Get()
	})
}
