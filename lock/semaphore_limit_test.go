package lock_test

import (
	"encoding/binary"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/zktest"
)

// shared is a semaphore with a limit of n at first, which is kept at
// /limits/pool.
func shared(p *testworld.Process, n int) *lock.Semaphore {
	return lock.NewSemaphore(p.Manager, pool, lock.SharedLimit("/limits/pool", n))
}

// Case 49: a resize while a candidate waits is noticed.
func TestHardCase49_ResizeWhileWaiting(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		held := permits(p, shared(p, 1), 1)
		require.Equal(t, []byte{0, 0, 0, 1}, []byte(w.Data("/limits/pool")), "as Curator's SharedCount writes it")
		first, second := acquiring(w, shared(q, 1), 1), acquiring(w, shared(q, 1), 1)
		require.True(t, first.Waiting())
		require.NoError(t, shared(p, 9).Resize(w.Context(), 2))
		one := first.Get()
		require.True(t, second.Waiting())
		n, err := shared(q, 1).Limit(w.Context())
		require.NoError(t, err)
		require.Equal(t, 2, n)

		// The limit falls below what is held: no holder is evicted, and no
		// candidate comes in until enough have gone.
		require.NoError(t, shared(p, 1).Resize(w.Context(), 1))
		require.NoError(t, held.Err())
		require.NoError(t, held.Release())
		require.True(t, second.Waiting(), "one is held, one is what there is")
		require.NoError(t, one.Err())
		require.NoError(t, one.Release())
		require.NoError(t, second.Get().Release())
		nothingLeft(w)
	})
}

func TestSemaphoreLimitFallsBelowWhatIsAskedFor(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		held := permits(p, shared(p, 3), 1)
		waiter, behind := acquiring(w, shared(p, 3), 3), acquiring(w, shared(p, 3), 2)
		require.True(t, waiter.Waiting())
		require.NoError(t, shared(p, 3).Resize(w.Context(), 2))
		_, err := waiter.Result()
		require.ErrorIs(t, err, lock.ErrTooManyPermits)
		require.ErrorContains(t, err, "3 asked for, the limit is 2")
		require.True(t, behind.Waiting())
		_, err = shared(p, 9).Acquire(w.Context(), 3)
		require.ErrorIs(t, err, lock.ErrTooManyPermits, "what counts is what is shared")
		require.NoError(t, held.Release())
		require.NoError(t, behind.Get().Release())
		nothingLeft(w)
	})
}

// The limit falls in the very moment in which a candidate looks for a permit:
// it goes by the limit of the instant of its list.
func TestSemaphoreLimitFallsBetweenReadAndList(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		held := permits(p, shared(p, 2), 1)
		w.Once(leaseCreate, func() zktest.Action {
			// The waiter has read the limit. It is lowered before its lease is
			// made.
			if err := w.Srv.Put("/limits/pool", binary.BigEndian.AppendUint32(nil, 1)); err != nil {
				t.Error(err)
			}
			return zktest.Pass
		})
		waiter := acquiring(w, shared(q, 2), 1)
		require.True(t, waiter.Waiting())
		require.NoError(t, held.Release())
		require.NoError(t, waiter.Get().Release())
	})
}

func TestSemaphoreSharedLimitNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := shared(p, 2)
		n, err := s.Limit(w.Context())
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Empty(t, w.Srv.Paths(), "to ask makes nothing")
		require.NoError(t, s.Resize(w.Context(), 5))
		n, err = s.Limit(w.Context())
		require.NoError(t, err)
		require.Equal(t, 5, n)
		require.ErrorContains(t, s.Resize(w.Context(), -1), "must be from 0 (closed) to")

		// Deleted while a candidate waits by it: it is made again.
		w.Put("/limits/pool", "\x00\x00\x00\x01")
		held := permits(p, s, 1)
		waiter := acquiring(w, s, 1)
		require.True(t, waiter.Waiting())
		w.Remove("/limits/pool")
		require.NoError(t, waiter.Get().Release())
		require.Equal(t, "\x00\x00\x00\x02", w.Data("/limits/pool"))
		require.NoError(t, held.Release())
		synctest.Wait()
		nothingLeft(w)
	})
}

// The answers to the creates of the limit are lost.
func TestSemaphoreSharedLimitLostReplies(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		ofLimit := func(r zktest.Request) bool { return r.Op == zktest.OpCreate && r.Path == "/limits/pool" }
		w.Once(ofLimit, func() zktest.Action { return zktest.LoseReply })
		held := permits(p, shared(p, 2), 2)
		require.Equal(t, "\x00\x00\x00\x02", w.Data("/limits/pool"))
		require.NoError(t, held.Release())
	})
}
