package lock_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
)

func TestSemaphoreCosts(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := semaphore(p, 2)
		keep := permits(p, s, 1) // keeps the directories
		var held *lock.Permit
		counts := w.Count(func() { held = permits(p, s, 1) })
		require.LessOrEqual(t, counts["getData"], 1, "the line's node is watched, unless its hold has ended by then")
		delete(counts, "getData")
		require.Equal(t, map[string]int{"create": 2, "getChildren2": 2, "delete": 1}, counts,
			"the line's node and the lease, each created and listed")
		require.Equal(t, map[string]int{"delete": 1}, w.Count(func() { require.NoError(t, held.Release()) }))

		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1}, w.Count(func() {
			var err error
			held, err = s.TryAcquire(w.Context(), 1)
			require.NoError(t, err)
		}))
		watches := w.Srv.Watches()
		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "delete": 1, "getData": 1}, w.Count(func() {
			_, err := s.TryAcquire(w.Context(), 1)
			require.ErrorIs(t, err, lock.ErrNoPermits)
		}))
		require.Equal(t, watches, w.Srv.Watches(), "a try that fails leaves no watch")

		var waiter *testworld.Call[*lock.Permit]
		require.Equal(t, map[string]int{"create": 2, "getChildren2": 3, "getData": 1},
			w.Count(func() { waiter = acquiring(w, s, 1) }), "one more list, with a watch")
		require.True(t, waiter.Waiting())
		require.Equal(t, map[string]int{"delete": 2, "getChildren2": 1}, w.Count(func() {
			require.NoError(t, held.Release())
			held = waiter.Get()
		}), "the release, the list, and the line's node")
		require.NoError(t, held.Release())
		require.NoError(t, keep.Release())
	})
}

func TestSemaphoreSharedCosts(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := lock.NewSemaphore(p.Manager, pool, lock.SharedLimit("/limit", 2))
		keep := permits(p, s, 1)
		var held *lock.Permit
		counts := w.Count(func() { held = permits(p, s, 1) })
		require.Contains(t, []int{1, 2}, counts["getData"], "one read more than with a fixed limit")
		delete(counts, "getData")
		require.Equal(t, map[string]int{"create": 2, "getChildren2": 2, "delete": 1}, counts)

		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "getData": 2, "delete": 1}, w.Count(func() {
			_, err := s.TryAcquire(w.Context(), 1)
			require.ErrorIs(t, err, lock.ErrNoPermits)
		}), "the limit, and the lease of another")

		waiter := acquiring(w, s, 1)
		require.True(t, waiter.Waiting())
		require.Equal(t, map[string]int{"delete": 2, "getChildren2": 1, "multi": 1}, w.Count(func() {
			require.NoError(t, held.Release())
			held = waiter.Get()
		}), "a candidate that waited has its limit confirmed")
		require.NoError(t, keep.Release())
		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "getData": 1}, w.Count(func() {
			var err error
			keep, err = s.TryAcquire(w.Context(), 1)
			require.NoError(t, err)
		}))
		require.NoError(t, held.Release())
		require.NoError(t, keep.Release())

		require.Equal(t, map[string]int{"create": 3, "getChildren2": 2, "getData": 3, "delete": 1},
			w.Count(func() { held = permits(p, s, 2) }), "two leases, one list; more than one permit may be too many: one read more")
		require.NoError(t, held.Release())
	})
}

// Case 66: many wait, and one permit given back wakes one of them.
func TestHardCase66_SemaphoreHerd(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		held := permits(p, semaphore(p, 1), 1)
		var waiting []*testworld.Call[*lock.Permit]
		for range 30 {
			waiting = append(waiting, acquiring(w, semaphore(w.Process(), 1), 1))
		}
		require.Equal(t, 1, w.Srv.WatchesOf(pool+"/leases"), "none but the first in line watches the leases")
		require.Len(t, leaseNodes(w), 2)
		for i, next := range waiting {
			counts := w.Count(func() {
				require.NoError(t, held.Release())
				held = next.Get()
			})
			require.LessOrEqual(t, counts["getChildren2"], 4, "of waiter %d: %v", i, counts)
			require.LessOrEqual(t, counts["create"], 1)
		}
		require.NoError(t, held.Release())
		nothingLeft(w)
	})
}
