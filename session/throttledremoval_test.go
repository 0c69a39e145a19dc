package session_test

import (
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
		throttled := 0
		w.Cleanup(w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpRemoveWatches && throttled < 3 {
				throttled++
				return zktest.Fail(zktest.CodeThrottledOp)
			}
			return zktest.Pass
		}))
		_, _, watch, err := s.ExistsW(w.Context(), "/missing")
		require.NoError(w, err)
		watch.Stop()
		time.Sleep(time.Minute)
		require.Equal(w, 3, throttled)
		require.Zero(w, w.srv.Watches(), "the watch is left")
	})
}
