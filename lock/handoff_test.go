package lock_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// handoff is a Mutex that hands on, at the path of all tests.
func handoff(p *testworld.Process, n int, opts ...lock.MutexOption) *lock.Mutex {
	return lock.NewMutex(p.Manager, dir, append(opts, lock.Handoff(n))...)
}

func locking(w *testworld.World, m *lock.Mutex) *testworld.Call[*lock.Hold] {
	return testworld.Go(w, m.Lock)
}

func lockNow(w *testworld.World, m *lock.Mutex) *lock.Hold {
	w.Helper()
	h, err := m.Lock(w.Within(testworld.Patience))
	require.NoError(w, err)
	require.NoError(w, h.Err())
	return h
}

func TestHandoff(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		m := handoff(p, 2)
		first := lockNow(w, m)
		var waiting []*testworld.Call[*lock.Hold]
		for range 4 {
			waiting = append(waiting, locking(w, m))
		}
		require.Len(t, w.Children(dir), 1, "one node for all")
		h, turns, tokens := first, []int{0}, []int64{first.Token()}
		for i, next := range waiting {
			require.True(t, next.Waiting())
			counts := w.Count(func() {
				require.NoError(t, h.Release())
				h = next.Get()
			})
			if i == 2 {
				require.Equal(t, map[string]int{"delete": 1, "create": 1, "getChildren2": 1, "getData": 2}, counts,
					"handed on twice, it is released, and no other contender waits")
			} else {
				require.Empty(t, counts)
			}
			turns, tokens = append(turns, h.Turn()), append(tokens, h.Token())
		}
		require.Equal(t, []int{0, 1, 2, 0, 1}, turns)
		require.Equal(t, tokens[0], tokens[2])
		require.Greater(t, tokens[3], tokens[2])
		require.Equal(t, tokens[3], tokens[4])
		require.NoError(t, h.Release())
		require.Empty(t, w.Children(dir))
		require.Equal(t, 0, lockNow(w, m).Turn())
	})
}

// A process that waits outside lets at most n more holds of the others pass.
func TestHandoffIsBoundedForOthers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const n = 5
		p := w.Process()
		m := handoff(p, n)
		h := lockNow(w, m)
		foreign := locking(w, lock.NewMutex(w.Process().Manager, dir))
		var waiting []*testworld.Call[*lock.Hold]
		for range 3 * n {
			waiting = append(waiting, locking(w, m))
		}
		last := h.Token()
		for i := range n {
			require.True(t, foreign.Waiting())
			require.NoError(t, h.Release())
			h = waiting[i].Get()
			require.Equal(t, last, h.Token())
		}
		require.NoError(t, h.Release())
		other := foreign.Get()
		require.Greater(t, other.Token(), last)
		require.True(t, waiting[n].Waiting())
		require.NoError(t, other.Release())
		require.Greater(t, waiting[n].Get().Token(), other.Token())
	})
}

// A late Release touches nothing but its own hold.
func TestHandoffLateRelease(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		m := handoff(w.Process(), 9)
		first := lockNow(w, m)
		next, third := locking(w, m), locking(w, m)
		require.NoError(t, first.Release())
		second := next.Get()
		require.ErrorIs(t, first.Err(), session.ErrReleased)
		for range 3 {
			require.NoError(t, first.Release())
			require.NoError(t, first.Hold.Release(), "nor does the inner hold's")
		}
		require.NoError(t, second.Err())
		require.True(t, third.Waiting())
		require.Len(t, w.Children(dir), 1)
		require.NoError(t, second.Release())
		require.NoError(t, third.Get().Release())
		require.NoError(t, second.Release())
		require.Empty(t, w.Children(dir))
	})
}

// A release of the inner hold gives the znode up; the waiters acquire again.
func TestHandoffInnerRelease(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		m := handoff(w.Process(), 9)
		first := lockNow(w, m)
		next := locking(w, m)
		require.NoError(t, first.Hold.Release())
		second := next.Get()
		require.NoError(t, first.Release())
		require.Greater(t, second.Token(), first.Token())
		require.NoError(t, second.Err())
		require.NoError(t, second.Release())
	})
}

// Waiters that give up, first, last or in between, cost the others nothing.
func TestHandoffCancel(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		other := lockNow(w, lock.NewMutex(w.Process().Manager, dir))
		m := handoff(w.Process(), 9)
		var waiting []*testworld.Call[*lock.Hold]
		for range 5 {
			waiting = append(waiting, locking(w, m))
		}
		place := w.Children(dir)
		require.Len(t, place, 2)
		for _, i := range []int{0, 2, 4} {
			_, err := waiting[i].GiveUp()
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorContains(t, err, "lock "+dir)
		}
		require.Equal(t, place, w.Children(dir), "the place in the line is kept")
		require.NoError(t, other.Release())
		h := waiting[1].Get()
		require.NoError(t, h.Release())
		require.NoError(t, waiting[3].Get().Release())

		// All give up, and so does the process. Meanwhile another process
		// comes.
		other = lockNow(w, lock.NewMutex(w.Process().Manager, dir))
		last := locking(w, m)
		require.Len(t, w.Children(dir), 2)
		_, err := last.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		again := locking(w, m)
		w.Eventually(func() bool { return len(w.Children(dir)) == 2 }, "a new place in the line")
		require.NoError(t, other.Release())
		require.NoError(t, again.Get().Release())
		w.Eventually(func() bool { return len(w.Children(dir)) == 0 }, "nothing is left")

		_, err = m.Lock(testworld.Cancelled())
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, w.Children(dir))
	})
}

// A waiter that gives up in the moment in which it is served passes the lock
// on.
func TestHandoffCancelledAsItIsServed(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		m := handoff(w.Process(), 1000)
		h := lockNow(w, m)
		for range 200 {
			ctx, cancel := context.WithCancel(w.Context())
			got := make(chan *lock.Hold, 1)
			go func() {
				h, err := m.Lock(ctx)
				if err != nil {
					h = nil
				}
				got <- h
			}()
			synctest.Wait()
			last := locking(w, m)
			go cancel()
			require.NoError(t, h.Release())
			if h := <-got; h != nil {
				require.NoError(t, h.Release())
			}
			h = last.Get()
		}
		require.NoError(t, h.Release())
		w.Eventually(func() bool { return len(w.Children(dir)) == 0 }, "nothing is left")
	})
}

// The only waiter gives up in the moment in which the queue has come to it: the
// process does not keep the lock.
func TestHandoffCancelledAsItIsFirst(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		m := handoff(p, 9)
		for range 100 {
			other := lockNow(w, lock.NewMutex(q.Manager, dir))
			ctx, cancel := context.WithCancel(w.Context())
			var work sync.WaitGroup
			work.Go(func() {
				if h, err := m.Lock(ctx); err == nil && h.Release() != nil {
					t.Error("not released")
				}
			})
			synctest.Wait()
			released := make(chan struct{})
			w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpDelete }, func() zktest.Action {
				close(released)
				return zktest.Pass
			})
			work.Go(func() {
				<-released
				cancel()
			})
			require.NoError(t, other.Release())
			work.Wait()
			w.Eventually(func() bool { return len(w.Children(dir)) == 0 }, "nothing is left")
		}
	})
}

// The znode is lost: the present hold ends, and the waiters acquire again,
// whether or not the holder has noticed.
func TestHandoffLoss(t *testing.T) {
	losses := map[string]func(w *testworld.World, p *testworld.Process){
		"deleted": func(w *testworld.World, _ *testworld.Process) { w.Remove(dir + "/" + w.Children(dir)[0]) },
		"expired": func(_ *testworld.World, p *testworld.Process) { p.Expire() },
		"cut off": func(w *testworld.World, p *testworld.Process) {
			p.Link.Cut(zktest.Both)
			time.Sleep(time.Minute)
			p.Link.Heal()
		},
	}
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				m := handoff(p, 9)
				first := lockNow(w, m)
				next := locking(w, m)
				require.NoError(t, first.Release())
				second := next.Get()
				third, fourth := locking(w, m), locking(w, m)
				lose(w, p)
				<-second.Done()
				h := third.Get()
				require.ErrorIs(t, second.Err(), session.ErrLost)
				require.Greater(t, h.Token(), second.Token())
				require.Zero(t, h.Turn())
				require.ErrorIs(t, second.Release(), session.ErrLost)
				require.NoError(t, first.Release())
				require.NoError(t, h.Err())
				require.NoError(t, h.Release())
				require.NoError(t, fourth.Get().Release())
				w.Eventually(func() bool { return len(w.Children(dir)) == 0 }, "nothing is left")
			})
		})
	}
}

func TestHandoffTryLock(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		m := handoff(p, 9)
		h, err := m.TryLock(w.Context())
		require.NoError(t, err)
		require.Empty(t, w.Count(func() {
			_, err := m.TryLock(w.Context())
			require.ErrorIs(t, err, lock.ErrHeld)
		}), "the process knows that by itself")
		next := locking(w, m)
		require.NoError(t, h.Release())
		second := next.Get()
		require.Equal(t, 1, second.Turn(), "it hands on like any other")
		require.NoError(t, second.Release())

		other := lockNow(w, lock.NewMutex(q.Manager, dir))
		_, err = m.TryLock(w.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		require.Len(t, w.Children(dir), 1)
		_, err = m.TryLock(testworld.Cancelled())
		require.ErrorIs(t, err, context.Canceled)

		// A goroutine locks while a failing try is under way.
		hold := make(chan struct{})
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpCreate }, func() zktest.Action { return zktest.Hold(hold) })
		try := testworld.Go(w, m.TryLock)
		waiter := locking(w, m)
		close(hold)
		_, err = try.Result()
		require.ErrorIs(t, err, lock.ErrHeld)
		require.True(t, waiter.Waiting())
		require.NoError(t, other.Release())
		require.NoError(t, waiter.Get().Release())
	})
}

// An error that concerns all waiters is returned to all, and the next call is
// served again.
func TestHandoffErrors(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		m := handoff(p, 9)
		hold := make(chan struct{})
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpCreate }, func() zktest.Action { return zktest.Hold(hold) })
		first, second := locking(w, m), locking(w, m)
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpCreateContainer {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		close(hold)
		_, err := first.Result()
		require.ErrorIs(t, err, session.ErrNoAuth)
		_, err = second.Result()
		require.ErrorIs(t, err, session.ErrNoAuth)
		remove()
		require.NoError(t, lockNow(w, m).Release())

		_, err = lock.NewMutex(p.Manager, "relative", lock.Handoff(1)).Lock(w.Context())
		require.ErrorContains(t, err, "relative")
		for _, call := range []func(context.Context) (*lock.Hold, error){handoff(p, -1).Lock, handoff(p, -1).TryLock} {
			_, err = call(w.Context())
			require.ErrorContains(t, err, "Handoff(-1)")
		}
		waiter := locking(w, m)
		held := waiter.Get()
		next := locking(w, m)
		require.NoError(t, p.Close())
		_, err = next.Result()
		require.ErrorIs(t, err, session.ErrClosed)
		require.ErrorIs(t, held.Release(), session.ErrLost)
	})
}

func TestHandoffDoPanics(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		m := handoff(w.Process(), 9)
		broken := errors.New("broken")
		var next *testworld.Call[*lock.Hold]
		require.PanicsWithValue(t, broken, func() {
			_ = m.Do(w.Context(), func(context.Context, *lock.Hold) error {
				next = locking(w, m)
				panic(broken)
			})
		})
		h := next.Get()
		require.Equal(t, 1, h.Turn())
		require.NoError(t, h.Release())
	})
}

// A client outside has asked for the lock: it is not handed on after that.
func TestHandoffRevoked(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		m := handoff(w.Process(), 9)
		h := lockNow(w, m)
		next := locking(w, m)
		q := w.Process()
		other := locking(w, lock.NewMutex(q.Manager, dir))
		require.NoError(t, lock.Revoke(w.Context(), q.Manager, h.Path()))
		synctest.Wait()
		require.NoError(t, h.Release())
		got := other.Get()
		require.True(t, next.Waiting())
		require.NoError(t, got.Release())
		require.NoError(t, next.Get().Release())
	})
}
