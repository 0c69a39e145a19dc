package lock_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
)

// Locks that are dropped leave no watch on the server.
func TestFault14_DroppedLocksLeaveNoWatch(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		before := w.Srv.Watches()
		locks := testworld.Sized(400, 2000)
		for i := range locks {
			m := lock.NewMutex(p.Manager, fmt.Sprintf("/locks/l%d", i))
			for range 4 { // the directory is watched once the line was quiet for a while
				require.NoError(t, lockNow(w, m).Release())
			}
		}
		require.Greater(t, w.Srv.Watches(), before+locks/2)
		w.WatchesGone(before)
	})
}
