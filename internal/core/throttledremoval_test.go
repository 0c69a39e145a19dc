package core_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// A watch that a server does not take back, since it throttles, is taken back later.
func TestThrottledRemoval(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		var asked atomic.Int32
		w.Cleanup(w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpRemoveWatches && asked.Add(1) <= 3 {
				return zktest.Fail(zktest.CodeThrottledOp)
			}
			return zktest.Pass
		}))
		_, _, watch, err := s.ExistsW(w.Context(), "/missing")
		require.NoError(w, err)
		watch.Stop()
		time.Sleep(time.Minute)
		require.EqualValues(w, 4, asked.Load())
		require.Zero(w, w.srv.Watches(), "the watch is left")
	})
}
