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
	"github.com/docent-go/docent/zktest"
)

func TestCostUncontended(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release()) // makes the directory
		m := p.mutex()
		cost := func(held time.Duration) map[string]int {
			return w.Count(func() {
				h, err := m.Lock(t.Context())
				require.NoError(t, err)
				time.Sleep(held)
				synctest.Wait()
				require.NoError(t, h.Release())
			})
		}
		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "delete": 1}, cost(0))
		require.Zero(t, w.Srv.Watches())
		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "getData": 1, "delete": 1}, cost(0),
			"no other contender came, twice in a row: the directory is watched")
		for range 10 {
			require.Equal(t, map[string]int{"create": 1, "delete": 1}, cost(0))
		}
		require.Equal(t, map[string]int{"create": 1, "getData": 1, "delete": 1}, cost(time.Second),
			"it is held for long enough to be watched")
		require.Equal(t, 1, w.Srv.Watches(), "that on the directory")
	})
}

// The lock is ours as soon as the list is there: Lock waits for nothing else.
func TestCostRoundTrips(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		before := len(w.nodes())
		require.Zero(t, before)
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetData {
				return zktest.Hold(make(chan struct{})) // no read is ever answered
			}
			return zktest.Pass
		})
		defer remove()
		h := p.lock()
		info, found := w.Srv.Node(dir)
		require.True(t, found)
		require.Equal(t, info.Stat.Pzxid, h.Token())
	})
}

func TestCostOneBefore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		first := a.lock()
		time.Sleep(time.Second)
		var q *waiter
		counts := w.Count(func() { q = b.queue() })
		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "getData": 2}, counts,
			"one read of the own node and one of the predecessor")
		require.Equal(t, 3, w.Srv.Watches(), "the holder's own, the waiter's own, the waiter's on the holder")

		var second *lock.Hold
		counts = w.Count(func() {
			require.NoError(t, first.Release())
			second = q.Get()
		})
		require.Equal(t, map[string]int{"delete": 1}, counts, "the deletion alone makes the next one the holder")
		counts = w.Count(func() { require.NoError(t, second.Release()) })
		require.Equal(t, map[string]int{"delete": 1}, counts)
		require.Zero(t, w.Srv.Watches())
	})
}

// The third watches the holder. When that is gone, it makes sure that the
// second is first, and watches the second.
func TestCostTwoBefore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b, c := w.process(), w.process(), w.process()
		first, second := a.lock(), b.queue()
		var third *waiter
		counts := w.Count(func() { third = c.queue() })
		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "getData": 1}, counts, "one watch, on the holder")

		var held *lock.Hold
		counts = w.Count(func() {
			require.NoError(t, first.Release())
			held = second.Get()
		})
		require.Equal(t, map[string]int{"delete": 1, "getChildren2": 1, "getData": 2}, counts,
			"the third lists, and watches the second and its own node")
		counts = w.Count(func() {
			require.NoError(t, held.Release())
			third.Get()
		})
		require.Equal(t, map[string]int{"delete": 1}, counts, "the deletion alone makes the third the holder")
	})
}

// A contender with more before it makes no other requests.
func TestCostThreeBefore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		held := w.process().lock()
		second, third := w.process().queue(), w.process().queue()
		var fourth *waiter
		last := w.process()
		counts := w.Count(func() { fourth = last.queue() })
		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "getData": 1}, counts)

		for _, step := range []struct {
			next *waiter
			want map[string]int
		}{
			{second, map[string]int{"delete": 1, "getChildren2": 1, "getData": 2}}, // of the third
			{third, map[string]int{"delete": 1, "getChildren2": 1, "getData": 2}},
			{fourth, map[string]int{"delete": 1}},
		} {
			counts = w.Count(func() {
				require.NoError(t, held.Release())
				held = step.next.Get()
			})
			require.Equal(t, step.want, counts)
		}
		require.Equal(t, map[string]int{"delete": 1}, w.Count(func() { require.NoError(t, held.Release()) }),
			"the node of a hold was watched before the hold")
	})
}

// The middle one of three gives up. That wakes no contender: the last one
// watches the first.
func TestCostMiddleLeaves(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.process().lock()
		second, third := w.process().queue(), w.process().queue()
		counts := w.Count(func() { require.ErrorIs(t, testworld.ErrOf(second.GiveUp()), context.Canceled) })
		require.Equal(t, map[string]int{"delete": 1}, counts)
		require.True(t, third.Waiting())
		counts = w.Count(func() {
			require.NoError(t, first.Release())
			third.Get()
		})
		require.Equal(t, map[string]int{"delete": 1, "getChildren2": 1, "getData": 2}, counts,
			"the list of the packet shows that the second is gone")
	})
}

// The contender before the predecessor gives up. The waiter looks for the
// contender that has taken its place, and the predecessor's end does not make
// the waiter the holder.
func TestCostOneBeforeThePredecessorLeaves(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		held := w.process().lock()
		second, third, fourth := w.process().queue(), w.process().queue(), w.process().queue()
		counts := w.Count(func() { require.ErrorIs(t, testworld.ErrOf(second.GiveUp()), context.Canceled) })
		require.Equal(t, map[string]int{"delete": 1, "getChildren2": 1, "getData": 3}, counts,
			"the fourth lists, reads the third and its own node, and watches the first")
		require.ErrorIs(t, testworld.ErrOf(third.GiveUp()), context.Canceled)
		require.True(t, fourth.Waiting(), "the first still holds")
		require.NoError(t, held.Release())
		fourth.Get()
	})
}

// A newcomer is first although another contender has come in after it. It
// already has its own zxid as a token, from the answer to its create.
func TestCostOvertakenList(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetChildren2 {
				require.NoError(t, w.Srv.Put(dir+"/x-lock-2000000000", nil))
			}
			return zktest.Pass
		})
		defer remove()
		var h *lock.Hold
		counts := w.Count(func() { h = p.lock() })
		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1}, counts)
		info, _ := w.Srv.Node(h.Path())
		require.Equal(t, info.Stat.Czxid, h.Token())
	})
}

func TestCostTryLockFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		a.lock()
		time.Sleep(time.Second)
		watches := w.Srv.Watches()
		counts := w.Count(func() {
			_, err := b.mutex().TryLock(t.Context())
			require.ErrorIs(t, err, lock.ErrHeld)
			require.Len(t, w.nodes(), 1, "the znode has gone when TryLock returns")
		})
		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "getData": 1, "delete": 1}, counts)
		require.Equal(t, watches, w.Srv.Watches(), "no watch")
		require.Zero(t, w.Srv.SessionWatches(b.Current().ID()))
	})
}

// HardCase66: a release wakes two waiters, whatever the number of waiters: the
// next holder, and the contender that prepares its turn after it.
func TestHardCase66_Herd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const n = 50
		holder := w.process()
		held := holder.lock()
		line, processes := make([]*waiter, n), make([]*process, n)
		for i := range line {
			processes[i] = w.process()
			line[i] = processes[i].queue()
		}
		time.Sleep(2 * time.Second) // every node is watched
		for i := range line {
			require.LessOrEqual(t, w.Srv.WatchesOf(held.Path()), 3, "its own watch and those of two successors")
			asking := w.sessions(func() {
				require.NoError(t, held.Release())
				held = line[i].Get()
			})
			want := map[int64]map[string]int{}
			if i == 0 {
				want[holder.Current().ID()] = map[string]int{"delete": 1}
			} else {
				want[processes[i-1].Current().ID()] = map[string]int{"delete": 1}
			}
			if i < n-1 {
				want[processes[i+1].Current().ID()] = map[string]int{"getChildren2": 1, "getData": 1}
			}
			require.Equal(t, want, asking)
			for _, other := range line[i+1:] {
				require.True(t, other.Waiting())
			}
		}
	})
}

// A thousand waits that gave up leave no watch and no node.
func TestThousandWaitsGivenUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		holder, p := w.process(), w.process()
		h := holder.lock()
		for range 1000 {
			require.ErrorIs(t, testworld.ErrOf(p.queue().GiveUp()), context.Canceled)
		}
		synctest.Wait()
		require.Equal(t, []string{strings.TrimPrefix(h.Path(), dir+"/")}, w.nodes())
		require.Equal(t, 1, w.Srv.SessionWatches(p.Current().ID()), "all shared one, on the node of the holder")
		require.NoError(t, h.Release())
		synctest.Wait()
		require.Zero(t, w.Srv.Watches())
	})
}
