package core_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// The path to the servers was cut again and again, each time before the watches
// were set. The checks of the holds afterwards are as large as before: every
// hold still ends in time.
func TestFault44_CutsDoNotThinTheChecks(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/watched", "")
		var cut atomic.Int32
		heal := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op != zktest.OpSetWatches && r.Op != zktest.OpSetWatches2 {
				return zktest.Pass
			}
			cut.Add(1)
			return zktest.DropRequest
		})
		_, _, _, err := p.Current().GetW(w.Context(), "/watched")
		require.NoError(w, err)
		p.Link.Disconnect()
		w.Eventually(func() bool { return cut.Load() >= 20 }, "twenty cuts")
		heal()
		var holds []*core.Hold
		for range 60 {
			holds = append(holds, entered(p, "/locks/a"))
		}
		time.Sleep(time.Minute)
		p.RemoveHidden()
		time.Sleep(testworld.HeldUnseen + time.Millisecond)
		for _, h := range holds {
			require.ErrorIs(w, h.Err(), core.ErrDeleted)
		}
	})
}
