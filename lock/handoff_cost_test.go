package lock_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
)

// Sixty-four goroutines take the lock in turns: per acquisition there is a
// small part of a request.
func TestHandoffCost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const workers, rounds, n = 64, 100, 64
		m := handoff(w.Process(), n)
		require.NoError(t, lockNow(w, m).Release()) // makes the directory
		var inside atomic.Int32
		var acquired, nodes int
		last, turn := int64(0), 0
		counts := w.Count(func() {
			first := lockNow(w, m) // until all wait
			last, nodes = first.Token(), 1
			var work sync.WaitGroup
			for range workers {
				work.Go(func() {
					for range rounds {
						if err := m.Do(w.Context(), func(ctx context.Context, h *lock.Hold) error {
							if inside.Add(1) != 1 {
								t.Error("two at a time")
							}
							if h.Token() < last || h.Token() == last && h.Turn() != turn+1 || h.Token() > last && h.Turn() != 0 {
								t.Errorf("token %d turn %d after %d, %d", h.Token(), h.Turn(), last, turn)
							}
							last, turn = h.Token(), h.Turn()
							if turn == 0 {
								nodes++
							}
							acquired++
							inside.Add(-1)
							return ctx.Err()
						}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			synctest.Wait()
			require.NoError(t, first.Release())
			work.Wait()
		})
		require.Equal(t, workers*rounds, acquired)
		total := 0
		for _, c := range counts {
			total += c
		}
		require.LessOrEqual(t, total, 4*nodes, "%v: create, list, watched read and delete of each node", counts)
		// A znode serves n+1 holds, or fewer if no goroutine happened to wait.
		require.LessOrEqual(t, nodes, 2*workers*rounds/(n+1))
	})
}

// Ten thousand goroutines wait for one lock: they cost one place in the queue.
func TestHandoffTenThousand(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const waiters = 10_000
		other := lockNow(w, lock.NewMutex(w.Process().Manager, dir))
		m := handoff(w.Process(), waiters)
		var got, gaveUp atomic.Int32
		ctx, cancel := context.WithCancel(w.Context())
		defer cancel()
		var work sync.WaitGroup
		counts := w.Count(func() {
			for i := range waiters {
				work.Go(func() {
					ctx := ctx
					if i%2 == 0 {
						ctx = w.Context()
					}
					if h, err := m.Lock(ctx); err != nil {
						gaveUp.Add(1)
					} else if got.Add(1); h.Release() != nil {
						t.Error("not released")
					}
				})
			}
			synctest.Wait()
		})
		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "getData": 2}, counts)
		counts = w.Count(func() {
			cancel()
			synctest.Wait()
			require.NoError(t, other.Release())
			work.Wait()
		})
		require.EqualValues(t, waiters/2, got.Load())
		require.EqualValues(t, waiters/2, gaveUp.Load())
		require.Equal(t, map[string]int{"delete": 2}, counts)
	})
}
