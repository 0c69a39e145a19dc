package lock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
)

// A guest waits again and again after znodes that it may not read. No watch is
// left over.
func TestWaitsBehindHiddenNodesLeaveNoWatch(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put(dir, "")
		guest := w.Process()
		var counts []int
		for range 10 {
			held, err := lock.NewMutex(owner.Manager, dir).Lock(w.Within(time.Hour))
			require.NoError(w, err)
			c := testworld.Go(w, lock.NewMutex(guest.Manager, dir).Lock)
			require.True(w, c.Waiting())
			time.Sleep(20 * time.Second)
			require.NoError(w, held.Release())
			require.NoError(w, c.Get().Release())
			time.Sleep(time.Minute)
			counts = append(counts, w.Srv.Watches())
		}
		require.LessOrEqual(w, counts[9], 2)
	})
}
