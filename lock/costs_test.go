package lock_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
)

// watchedHold is how long a hold lasts before the session watches its node, and
// more.
const watchedHold = time.Second

// The life of a mutex at a new path, and a look at its holders and waiters.
func TestCostsOfAMutex(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		m, other := lock.NewMutex(p.Manager, dir), lock.NewMutex(q.Manager, dir)
		var h *lock.Hold
		var next *testworld.Call[*lock.Hold]
		w.Costs([]testworld.Step{
			{Name: "the first Lock makes the directory", Want: testworld.Counts{"create": 2, "createContainer": 3, "getChildren2": 2, "getData": 1}, Do: func() {
				h = lockNow(w, m)
				time.Sleep(watchedHold)
			}},
			{Name: "Holders", Want: testworld.Counts{"getChildren2": 1, "multiRead": 1}, Do: func() {
				all, err := other.Holders(w.Context())
				require.NoError(w, err)
				require.Len(w, all, 1)
			}},
			{Name: "TryLock of a lock that is held", Want: testworld.Counts{"create": 1, "delete": 1, "getChildren2": 1, "getData": 1}, Do: func() {
				_, err := other.TryLock(w.Context())
				require.ErrorIs(w, err, lock.ErrHeld)
			}},
			{Name: "a waiter", Want: testworld.Counts{"create": 1, "getChildren2": 1, "getData": 2}, Do: func() { next = locking(w, other) }},
			{Name: "Waiters", Want: testworld.Counts{"getChildren2": 1, "multiRead": 1}, Do: func() {
				all, err := m.Waiters(w.Context())
				require.NoError(w, err)
				require.Len(w, all, 1)
			}},
			{Name: "Revoke", Want: testworld.Counts{"getChildren2": 1, "getData": 2, "multiRead": 1, "setData": 1, "sync": 1}, Do: func() {
				_, err := other.Revoke(w.Context())
				require.NoError(w, err)
			}},
			{Name: "the holder's Release", Want: testworld.Counts{"delete": 1}, Do: func() {
				require.NoError(w, h.Release())
				h = next.Get()
			}},
			{Name: "the waiter's Release", Want: testworld.Counts{"delete": 1}, Do: func() { require.NoError(w, h.Release()) }},
			{Name: "TryLock of a free lock, and its Release", Want: testworld.Counts{"create": 1, "delete": 1, "getChildren2": 1}, Do: func() {
				h, err := m.TryLock(w.Context())
				require.NoError(w, err)
				require.NoError(w, h.Release())
			}},
			{Name: "a waiter gives up", Want: testworld.Counts{"create": 2, "delete": 2, "getChildren2": 2, "getData": 3}, Do: func() {
				h = lockNow(w, m)
				_, err := locking(w, other).GiveUp()
				require.ErrorIs(w, err, context.Canceled)
				require.NoError(w, h.Release())
			}},
		})
		require.Equal(w, 1, w.Srv.Watches(), "that on the directory of a lock that is mostly free")
	})
}

// Goroutines of one process hand the lock on among themselves.
func TestCostsOfAHandoff(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		m := handoff(w.Process(), 8)
		require.NoError(w, lockNow(w, m).Release())
		var h *lock.Hold
		var next *testworld.Call[*lock.Hold]
		w.Costs([]testworld.Step{
			{Name: "Lock", Want: testworld.Counts{"create": 1, "getChildren2": 1, "getData": 2}, Do: func() { h = lockNow(w, m); time.Sleep(watchedHold) }},
			{Name: "a waiter of the same process", Do: func() { next = locking(w, m) }},
			{Name: "Release to it", Do: func() {
				require.NoError(w, h.Release())
				h = next.Get()
			}},
			{Name: "the last Release", Want: testworld.Counts{"delete": 1}, Do: func() { require.NoError(w, h.Release()) }},
		})
	})
}

func TestCostsOfReadersAndWriters(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		m := rw(p)
		var first, second *lock.Hold
		var writer *testworld.Call[*lock.WriteHold]
		var reader *testworld.Call[*lock.Hold]
		var down *lock.Hold
		w.Costs([]testworld.Step{
			{Name: "the first RLock makes the directory", Want: testworld.Counts{"create": 2, "createContainer": 3, "getChildren2": 2, "getData": 1}, Do: func() {
				first = reading(w, p).Get()
				time.Sleep(watchedHold)
			}},
			{Name: "RLock beside a reader", Want: testworld.Counts{"create": 1, "getChildren2": 1, "getData": 1}, Do: func() {
				second = reading(w, q).Get()
				time.Sleep(watchedHold)
			}},
			{Name: "TryLock beside readers", Want: testworld.Counts{"create": 1, "delete": 1, "getChildren2": 1, "getData": 1}, Do: func() {
				_, err := m.TryLock(w.Context())
				require.ErrorIs(w, err, lock.ErrHeld)
			}},
			{Name: "a writer behind readers", Want: testworld.Counts{"create": 1, "getChildren2": 1, "getData": 1}, Do: func() { writer = writing(w, q) }},
			{Name: "a reader behind the writer", Want: testworld.Counts{"create": 1, "getChildren2": 1, "getData": 2}, Do: func() { reader = reading(w, p) }},
			{Name: "Holders", Want: testworld.Counts{"getChildren2": 1, "multiRead": 1}, Do: func() {
				all, err := m.Holders(w.Context())
				require.NoError(w, err)
				require.Len(w, all, 2)
			}},
			{Name: "the first reader's Release", Want: testworld.Counts{"delete": 1, "getChildren2": 1, "getData": 2}, Do: func() { require.NoError(w, first.Release()) }},
			{Name: "the second reader's Release", Want: testworld.Counts{"delete": 1}, Do: func() {
				require.NoError(w, second.Release())
				writer.Get()
			}},
			{Name: "Downgrade, which lets the reader in", Want: testworld.Counts{"getData": 1, "multi": 1}, Do: func() {
				var err error
				down, err = writer.Get().Downgrade(w.Context())
				require.NoError(w, err)
				reader.Get()
				time.Sleep(watchedHold)
			}},
			{Name: "Release of what is left", Want: testworld.Counts{"delete": 2}, Do: func() {
				require.NoError(w, down.Release())
				require.NoError(w, reader.Get().Release())
			}},
			{Name: "Lock and Release of a free lock", Want: testworld.Counts{"create": 1, "delete": 1, "getChildren2": 1, "getData": 1}, Do: func() {
				h := writing(w, p).Get()
				time.Sleep(watchedHold)
				require.NoError(w, h.Release())
			}},
		})
		require.Zero(w, w.Srv.Watches())
	})
}

func TestCostsOfAOneNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		var h *lock.Hold
		var next *testworld.Call[*lock.Hold]
		w.Costs([]testworld.Step{
			{Name: "the first Lock makes the node above", Want: testworld.Counts{"create": 2, "createContainer": 1, "getData": 1}, Do: func() { h = excluding(w, p).Get() }},
			{Name: "TryLock of a lock that is held", Want: testworld.Counts{"create": 1, "getData": 1}, Do: func() {
				_, err := oneNode(q).TryLock(w.Context())
				require.ErrorIs(w, err, lock.ErrHeld)
			}},
			{Name: "a waiter", Want: testworld.Counts{"create": 1, "getData": 1}, Do: func() { next = excluding(w, q) }},
			{Name: "Holders", Want: testworld.Counts{"getData": 1}, Do: func() {
				all, err := oneNode(q).Holders(w.Context())
				require.NoError(w, err)
				require.Len(w, all, 1)
			}},
			{Name: "Release to the waiter", Want: testworld.Counts{"create": 1, "delete": 1, "exists": 1, "getData": 1, "sync": 1}, Do: func() {
				require.NoError(w, h.Release())
				h = next.Get()
			}},
			{Name: "Release", Want: testworld.Counts{"delete": 1, "exists": 1, "sync": 1}, Do: func() { require.NoError(w, h.Release()) }},
		})
		require.Zero(w, w.Srv.Watches())
	})
}

// lineWatched says that the waiter's znode of a semaphore is watched, unless it
// has gone by then.
var lineWatched = testworld.Counts{"getData": 1}

func TestCostsOfASemaphore(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		s := semaphore(p, 2)
		var first, second *lock.Permit
		var next *testworld.Call[*lock.Permit]
		w.Costs([]testworld.Step{
			{Name: "the first Acquire makes the directories", Want: testworld.Counts{"create": 4, "createContainer": 4, "delete": 1, "getChildren2": 4, "getData": 1}, May: lineWatched, Do: func() {
				first = permits(p, s, 1)
				time.Sleep(watchedHold)
			}},
			{Name: "TryAcquire", Want: testworld.Counts{"create": 1, "getChildren2": 1, "getData": 1}, Do: func() {
				var err error
				second, err = s.TryAcquire(w.Context(), 1)
				require.NoError(w, err)
				time.Sleep(watchedHold)
			}},
			{Name: "Holders", Want: testworld.Counts{"getChildren2": 2, "multiRead": 1}, Do: func() {
				all, err := s.Holders(w.Context())
				require.NoError(w, err)
				require.Len(w, all, 2)
			}},
			{Name: "a waiter", Want: testworld.Counts{"create": 2, "getChildren2": 3, "getData": 1}, Do: func() { next = acquiring(w, semaphore(q, 2), 1) }},
			{Name: "Release to the waiter", Want: testworld.Counts{"delete": 2, "getChildren2": 1, "getData": 1, "removeWatches": 1}, Do: func() {
				require.NoError(w, second.Release())
				second = next.Get()
				time.Sleep(watchedHold)
			}},
			{Name: "Release", Want: testworld.Counts{"delete": 2}, Do: func() {
				require.NoError(w, second.Release())
				require.NoError(w, first.Release())
			}},
		})
		require.Zero(w, w.Srv.Watches())
	})
}

func TestCostsOfOnce(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		var n atomic.Int32
		var r *lock.Run
		var next *testworld.Call[*lock.Run]
		w.Costs([]testworld.Step{
			{Name: "the first run makes the record", Want: testworld.Counts{"create": 2, "createContainer": 1, "exists": 2, "getData": 1, "multi": 2, "multiRead": 1}, Do: func() { require.NoError(w, once(p).Do(w.Context(), runs(&n, nil))) }},
			{Name: "Last", Want: testworld.Counts{"multiRead": 1}, Do: func() { last(w, once(p)) }},
			{Name: "not due", Want: testworld.Counts{"create": 1, "delete": 1, "getData": 1, "multiRead": 1}, Do: func() { notDue(w, once(p).Do(w.Context(), runs(&n, nil))) }},
			{Name: "Start when it is due", Want: testworld.Counts{"create": 1, "getData": 2, "multi": 1, "multiRead": 1}, Do: func() {
				time.Sleep(every)
				r = begins(w, once(p))
				time.Sleep(watchedHold)
			}},
			{Name: "a call during the run waits", Want: testworld.Counts{"create": 1, "getData": 3, "multiRead": 1}, Do: func() { next = starting(w, once(q, lock.WaitForRun())) }},
			{Name: "End, and the caller that waits is told", Want: testworld.Counts{"delete": 1, "multi": 1, "multiRead": 1}, Do: func() { require.NoError(w, r.End(nil)) }},
		})
		_, err := next.Result()
		notDue(w, err)
		require.Zero(w, w.Srv.Watches())
	})
}

func TestCostsOfAMulti(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		m := all(w.Process(), "/locks/a", "/locks/b")
		lockAll := func() {
			h, err := m.Lock(w.Context())
			require.NoError(w, err)
			require.NoError(w, h.Release())
		}
		w.Costs([]testworld.Step{
			{Name: "the first", Want: testworld.Counts{"create": 4, "createContainer": 4, "delete": 2, "getChildren2": 4}, Do: lockAll},
			{Name: "later", Want: testworld.Counts{"create": 2, "delete": 2, "getChildren2": 2, "getData": 2}, Do: lockAll},
		})
	})
}
