package lock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/zktest"
)

// leaseList matches the lists of the leases.
func leaseList(r zktest.Request) bool {
	return r.Op == zktest.OpGetChildren2 && r.Path == pool+"/leases"
}

// B has made its lease, and its list is slow. A takes the other permit, after
// B's lease, and lowers the limit to 1: now A holds all permits.
func TestFault52_LoweredLimitWhileTheListIsSlow(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		require.NoError(t, permits(a, shared(a, 2), 1).Release())
		slow := make(chan struct{})
		w.Once(leaseList, func() zktest.Action { return zktest.Hold(slow) })
		waiter := acquiring(w, shared(b, 2), 1)
		require.Len(t, leaseNodes(w), 1, "B's lease")

		held, err := shared(a, 2).TryAcquire(w.Context(), 1)
		require.NoError(t, err)
		require.NoError(t, shared(a, 2).Resize(w.Context(), 1))
		close(slow)
		require.True(t, waiter.Waiting(), "one permit is all there is")

		// A later candidate counts B as before its own, and so does not keep B
		// waiting.
		_, err = shared(a, 2).TryAcquire(w.Context(), 1)
		require.ErrorIs(t, err, lock.ErrNoPermits)
		require.NoError(t, held.Release())
		require.NoError(t, waiter.Get().Release())
		nothingLeft(w)
	})
}

// The limit has gone up and down again while B's list was slow: B learns of a
// greater limit only.
func TestFault52_LimitRaisedAndLowered(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		require.NoError(t, permits(a, shared(a, 1), 1).Release())
		slow := make(chan struct{})
		w.Once(leaseList, func() zktest.Action { return zktest.Hold(slow) })
		waiter := acquiring(w, shared(b, 1), 1)
		require.NoError(t, shared(a, 1).Resize(w.Context(), 3))
		held, err := shared(a, 1).TryAcquire(w.Context(), 2)
		require.NoError(t, err)
		require.NoError(t, shared(a, 1).Resize(w.Context(), 2))
		close(slow)
		require.True(t, waiter.Waiting(), "two of two are held")
		require.NoError(t, held.Release())
		require.NoError(t, waiter.Get().Release())
		nothingLeft(w)
	})
}

// A TryAcquire is under way: its lease is made, its list is slow. Another one
// takes a permit after it, and the limit is lowered.
func TestFault52_LoweredLimitDuringTryAcquire(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		require.NoError(t, permits(a, shared(a, 2), 1).Release())
		slow := make(chan struct{})
		w.Once(leaseList, func() zktest.Action { return zktest.Hold(slow) })
		try := testworld.Go(w, func(ctx context.Context) (*lock.Permit, error) { return shared(b, 2).TryAcquire(ctx, 1) })
		held, err := shared(a, 2).TryAcquire(w.Context(), 1)
		require.NoError(t, err)
		require.NoError(t, shared(a, 2).Resize(w.Context(), 1))
		close(slow)
		_, err = try.Result()
		require.ErrorIs(t, err, lock.ErrNoPermits)
		require.NoError(t, held.Release())
		nothingLeft(w)
	})
}

// A candidate waits on a server that begins to lag in the instant in which it
// shows a free permit: the Resize that follows has not arrived there.
func TestFault52_WaiterOnAServerThatLags(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		one, other := permits(a, shared(a, 2), 1), permits(a, shared(a, 2), 1)
		waiter := acquiring(w, shared(b, 2), 1)
		require.True(t, waiter.Waiting())
		slow := make(chan struct{})
		w.Once(leaseList, func() zktest.Action {
			w.Srv.Lag(b.Current().ID())
			return zktest.Hold(slow)
		})
		require.NoError(t, one.Release())
		synctest.Wait()
		require.NoError(t, shared(a, 2).Resize(w.Context(), 1))
		close(slow)
		require.True(t, waiter.Waiting(), "one permit is held, and the limit has been 1 for long")
		require.NoError(t, other.Release())
		require.NoError(t, waiter.Get().Release())
		nothingLeft(w)
	})
}

// The same for a list that comes with the lease, but late.
func TestFault52_SlowListOnAServerThatLags(t *testing.T) {
	for name, take := range map[string]func(*lock.Semaphore, context.Context, int) (*lock.Permit, error){
		"Acquire": (*lock.Semaphore).Acquire, "TryAcquire": (*lock.Semaphore).TryAcquire,
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				a, b := w.Process(), w.Process()
				held := permits(a, shared(a, 2), 1)
				id, slow := b.Current().ID(), make(chan struct{})
				w.Once(leaseList, func() zktest.Action {
					w.Srv.Lag(id)
					return zktest.Hold(slow)
				})
				call := testworld.Go(w, func(ctx context.Context) (*lock.Permit, error) { return take(shared(b, 2), ctx, 1) })
				require.NoError(t, shared(a, 2).Resize(w.Context(), 1))
				time.Sleep(2 * time.Second)
				close(slow)
				if name == "Acquire" {
					require.True(t, call.Waiting(), "the limit has been 1 for two seconds")
					require.NoError(t, held.Release())
					require.NoError(t, call.Get().Release())
				} else {
					_, err := call.Result()
					require.ErrorIs(t, err, lock.ErrNoPermits)
					require.NoError(t, held.Release())
				}
				nothingLeft(w)
			})
		})
	}
}

// The limit was lowered, and the server that B reads from has not heard of it.
func TestFault53_TryAcquireOnAServerThatLags(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		held := permits(a, shared(a, 2), 1)
		w.Srv.Lag(b.Current().ID())
		require.NoError(t, shared(a, 2).Resize(w.Context(), 1))
		_, err := shared(b, 2).TryAcquire(w.Context(), 1)
		require.ErrorIs(t, err, lock.ErrNoPermits)
		require.NoError(t, held.Release())
		nothingLeft(w)

		w.Srv.Lag(b.Current().ID())
		require.NoError(t, shared(a, 2).Resize(w.Context(), 7))
		n, err := shared(b, 2).Limit(w.Context())
		require.NoError(t, err)
		require.Equal(t, 7, n)
	})
}

func TestFault53_RaisedLimitOnAServerThatLags(t *testing.T) {
	for name, take := range map[string]func(*lock.Semaphore, context.Context, int) (*lock.Permit, error){
		"Acquire": (*lock.Semaphore).Acquire, "TryAcquire": (*lock.Semaphore).TryAcquire,
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				a, b := w.Process(), w.Process()
				require.NoError(t, permits(a, shared(a, 2), 1).Release())
				w.Srv.Lag(b.Current().ID())
				require.NoError(t, shared(a, 2).Resize(w.Context(), 5))
				held, err := take(shared(b, 2), w.Context(), 4)
				require.NoError(t, err)
				require.NoError(t, held.Release())
				nothingLeft(w)
			})
		})
	}
}

// The server begins to lag while the candidate is in the queue: at the head,
// and while it waits there.
func TestFault53_RaisedLimitAtTheHead(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		held := permits(a, shared(a, 4), 1)
		waiter := acquiring(w, shared(b, 4), 4)
		require.True(t, waiter.Waiting())
		id := b.Current().ID()
		w.Once(func(r zktest.Request) bool {
			return r.Op == zktest.OpGetData && r.Path == "/limits/pool" && r.Session == id
		},
			func() zktest.Action { // reads a limit that has been raised since
				w.Srv.Lag(id)
				if err := w.Srv.Put("/limits/pool", []byte{0, 0, 0, 5}); err != nil {
					t.Error(err)
				}
				return zktest.Pass
			})
		require.NoError(t, shared(a, 4).Resize(w.Context(), 3))
		require.NoError(t, waiter.Get().Release(), "one is held, four are asked for, the limit is 5")
		require.NoError(t, held.Release())
		nothingLeft(w)
	})
}

// A limit of 0 closes the semaphore, and data that are not a limit do so too. A
// waiter goes on waiting, and learns why when it gives up.
func TestFault59_UnusableLimitKeepsTheLineWaiting(t *testing.T) {
	for name, c := range map[string]struct{ data, says string }{
		"closed":          {"\x00\x00\x00\x00", "a limit of 0 in /limits/pool closes the semaphore"},
		"Curator's minus": {"\xff\xff\xff\xff", "a limit of -1 in /limits/pool closes the semaphore"},
		"garbage":         {"seven", "/limits/pool holds 5 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p, q := w.Process(), w.Process()
				held := permits(p, shared(p, 2), 2)
				head, behind := acquiring(w, shared(q, 2), 1), acquiring(w, shared(q, 2), 2)
				w.Put("/limits/pool", c.data)
				require.True(t, head.Waiting())
				require.NoError(t, held.Release())
				require.True(t, head.Waiting(), "nobody is let in")
				require.True(t, behind.Waiting())
				late := acquiring(w, shared(p, 2), 2)
				require.True(t, late.Waiting(), "who comes now waits as well")
				_, err := shared(p, 2).TryAcquire(w.Context(), 1)
				require.ErrorContains(t, err, c.says)
				if name != "garbage" {
					require.ErrorIs(t, err, lock.ErrNoPermits)
				}
				_, err = head.GiveUp()
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorContains(t, err, c.says)

				require.True(t, behind.Waiting())
				if name == "garbage" {
					require.ErrorContains(t, shared(p, 2).Resize(w.Context(), 2), c.says, "it may be another program's")
					w.Put("/limits/pool", "\x00\x00\x00\x02")
				} else {
					require.NoError(t, shared(p, 2).Resize(w.Context(), 2))
				}
				require.NoError(t, behind.Get().Release())
				require.NoError(t, late.Get().Release())
				nothingLeft(w)
			})
		})
	}
}

func TestSemaphoreClosedAndOpenedByResize(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := shared(p, 0) // closed until it is opened
		waiter := acquiring(w, s, 1)
		require.True(t, waiter.Waiting())
		require.NoError(t, s.Resize(w.Context(), 1))
		held := waiter.Get()
		require.NoError(t, s.Resize(w.Context(), 0))
		require.NoError(t, held.Err(), "nobody is evicted")
		require.NoError(t, held.Release())
		_, err := s.TryAcquire(w.Context(), 1)
		require.ErrorIs(t, err, lock.ErrNoPermits)
		_, err = s.Acquire(w.Context(), 0)
		require.ErrorContains(t, err, "must be from 1")
		nothingLeft(w)
	})
}
