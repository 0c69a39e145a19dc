package lock_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// The function returns in the instant in which it sees the hold of a part end.
// The context of the whole often ends later. Of two goroutines on one
// processor, the goroutine that was started last runs first.
func TestFault59_BundlesKnowAPartsEndAtOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	untilEnded := func(w *testworld.World, part *lock.Hold) {
		ended := make(chan struct{})
		context.AfterFunc(part.Context(), func() { close(ended) })
		time.Sleep(time.Second) // it is watched by now
		w.Remove(part.Path())
		<-ended
	}
	for range 20 {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			multi := lock.NewMulti(lock.NewMutex(p.Manager, "/locks/a"), lock.NewMutex(p.Manager, "/locks/b"))
			err := multi.Do(w.Context(), func(_ context.Context, h *lock.MultiHold) error {
				untilEnded(w, h.Holds()[1])
				return nil
			})
			require.ErrorIs(t, err, session.ErrLost)

			err = semaphore(p, 2).Do(w.Context(), 2, func(_ context.Context, h *lock.Permit) error {
				untilEnded(w, h.Holds()[1])
				if h.Err() == nil {
					t.Error("the permits live, and one of them has ended")
				}
				return h.Release()
			})
			require.ErrorIs(t, err, session.ErrLost)
		})
	}
}

// The memory that one Acquire takes grows with the number of permits, and not
// with its square.
func TestFault57_MemoryOfManyPermits(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := semaphore(p, 4000)
		taking := func(n int) float64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			held := permits(p, s, n)
			runtime.ReadMemStats(&after)
			require.NoError(t, held.Release())
			return float64(after.TotalAlloc - before.TotalAlloc)
		}
		taking(100) // what is made once
		few, many := taking(400), taking(1600)
		require.Less(t, many/few, 8., "four times the permits: %.0f and %.0f bytes", few, many)
	})
}
