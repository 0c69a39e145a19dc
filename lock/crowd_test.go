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
		const n = 10_000
		h := w.process().lock()
		p := w.process()
		// Nobody needs a list of ten thousand names ten thousand times over to
		// stand in this line: the server shows each only those who were there
		// when it came.
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var cancelled atomic.Int32
		var work sync.WaitGroup
		for range n {
			work.Go(func() {
				if _, err := p.mutex().Lock(ctx); err == nil {
					t.Error("acquired")
				}
				cancelled.Add(1)
			})
		}
		start := time.Now()
		for len(w.nodes()) < n+1 {
			time.Sleep(time.Second)
			require.Less(t, time.Since(start), time.Hour)
		}
		synctest.Wait()
		cancel()
		work.Wait()
		require.EqualValues(t, n, cancelled.Load())
		time.Sleep(time.Minute)
		require.Len(t, w.nodes(), 1, "the holder's")
		require.NoError(t, h.Err(), "undisturbed")
		require.LessOrEqual(t, w.srv.Watches(), 2, "the holder's on its own node, and perhaps a waiter's on it")
		require.NoError(t, h.Release())
		require.NoError(t, p.lock().Release())
		synctest.Wait()
		require.Zero(t, w.srv.Watches())
	})
}
