package lock_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Ten thousand goroutines of one process wait on one lock, and are all
// cancelled at once: nothing of them is left, here or on the server.
func TestTenThousandWaitersCancelled(t *testing.T) {
	if testing.Short() {
		t.Skip("it lists ten thousand nodes ten thousand times")
	}
	inWorld(t, func(t *testing.T, w *world) {
		h := w.process().lock()
		p := w.process()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var cancelled atomic.Int32
		var work sync.WaitGroup
		for range crowd {
			work.Go(func() {
				if _, err := p.mutex().Lock(ctx); err == nil {
					t.Error("acquired")
				}
				cancelled.Add(1)
			})
		}
		start := time.Now()
		for len(w.nodes()) < crowd+1 {
			time.Sleep(time.Second)
			require.Less(t, time.Since(start), time.Hour)
		}
		synctest.Wait()
		cancel()
		work.Wait()
		require.EqualValues(t, crowd, cancelled.Load())
		time.Sleep(time.Minute)
		require.Len(t, w.nodes(), 1, "the holder's")
		require.NoError(t, h.Err(), "undisturbed")
		require.LessOrEqual(t, w.Srv.Watches(), 2, "the holder's on its own node, and perhaps a waiter's on it")
		require.NoError(t, h.Release())
		require.NoError(t, p.lock().Release())
		synctest.Wait()
		require.Zero(t, w.Srv.Watches())
	})
}
