package core_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// A server with WatchManagerOptimized answers addWatch as if it could not read it.
func TestFollowWithoutPersistentWatches(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process().session()
		var knows atomic.Bool
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpAddWatch && !knows.Load() {
				return zktest.Fail(zktest.CodeMarshallingError)
			}
			return zktest.Pass
		}))
		ignore := func(core.Followed) {}
		_, err := s.Follow(w.Context(), "/a", true, ignore)
		require.ErrorIs(w, err, core.ErrUnimplemented)
		require.ErrorContains(w, err, "WatchManagerOptimized")
		knows.Store(true) // another server does not
		f, err := s.Follow(w.Context(), "/a", true, ignore)
		require.NoError(w, err)
		f.Stop()
	})
}
