package lock_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// The answer to a create of a lease is lost: the lease is found again and
// counts once.
func TestSemaphoreLostReply(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for range 3 {
			w.Once(leaseCreate, func() zktest.Action { return zktest.LoseReply })
			held := permits(p, semaphore(p, 2), 2)
			require.Len(t, leaseNodes(w), 2)
			require.Empty(t, lineNodes(w))
			require.NoError(t, held.Release())
			require.Empty(t, leaseNodes(w))
		}
	})
}

// The session ends between the place in the line and the lease, or while the
// first in line waits: it begins again in the next session.
func TestSemaphoreSessionEndsAtTheHead(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		held := permits(q, semaphore(q, 1), 1)
		w.Once(leaseCreate, func() zktest.Action {
			w.Srv.Expire(p.Current().ID())
			return zktest.Pass
		})
		waiter := acquiring(w, semaphore(p, 1), 1)
		w.Eventually(func() bool { return len(leaseNodes(w)) == 2 }, "it waits again")
		p.Expire()
		w.Eventually(func() bool { return len(leaseNodes(w)) == 2 }, "and again")
		require.True(t, waiter.Waiting())
		require.NoError(t, held.Release())
		require.NoError(t, waiter.Get().Release())
		nothingLeft(w)
	})
}

// Another client deletes the place of the first in line, while it makes its
// lease or waits. Then two look for permits at a time. No more get them than
// the limit allows, and none waits for ever.
func TestSemaphoreTwoAtTheHead(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, c := w.Process(), w.Process(), w.Process()
		held := permits(c, semaphore(c, 2), 1)
		release := make(chan struct{})
		w.Once(leaseCreate, func() zktest.Action { return zktest.Hold(release) })
		first := acquiring(w, semaphore(a, 2), 1)
		require.True(t, first.Waiting())
		w.Remove(pool + "/locks/" + lineNodes(w)[0])
		second := acquiring(w, semaphore(b, 2), 1)
		got := second.Get() // the first's create is still on its way
		close(release)
		require.True(t, first.Waiting(), "it counts the other")
		holders, err := semaphore(c, 2).Holders(w.Context())
		require.NoError(t, err)
		require.Len(t, holders, 2)

		// And while it waits.
		w.Remove(pool + "/locks/" + lineNodes(w)[0])
		third := acquiring(w, semaphore(b, 2), 1)
		require.True(t, first.Waiting())
		require.True(t, third.Waiting())
		require.NoError(t, held.Release())
		require.NoError(t, got.Release())
		require.NoError(t, first.Get().Release())
		require.NoError(t, third.Get().Release())
		nothingLeft(w)
	})
}

// Another client deletes the lease with which the first in line waits.
func TestSemaphoreOwnLeaseDeletedWhileWaiting(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		held := permits(p, semaphore(p, 2), 1)
		waiter := acquiring(w, semaphore(w.Process(), 2), 2)
		for range 3 {
			w.Remove(pool + "/leases/" + leaseNodes(w)[1])
			require.True(t, waiter.Waiting())
			w.Eventually(func() bool { return len(leaseNodes(w)) == 3 }, "it has two again")
		}
		require.NoError(t, held.Release())
		require.Equal(t, 2, waiter.Get().N())
	})
}
