package lock_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/lock"
)

// Locks that are dropped leave no watch on the server.
func TestFault14_DroppedLocksLeaveNoWatch(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		before := w.Srv.Watches()
		for i := range 2000 {
			m := lock.New(p.Manager, fmt.Sprintf("/locks/l%d", i))
			for range 4 { // the directory is watched once the line was quiet for a while
				require.NoError(t, lockNow(w, m).Release())
			}
		}
		require.Greater(t, w.Srv.Watches(), before+1000)
		for range 1000 { // the runtime calls cleanups when it likes
			if w.Srv.Watches() == before {
				break
			}
			runtime.GC()
			time.Sleep(10 * time.Second)
		}
		require.Equal(t, before, w.Srv.Watches())
	})
}
