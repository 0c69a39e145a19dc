package barrier_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// TestFault54_AnOldRoundEndsALaterOne: the next round begins between the look
// at a round's mark and its deletion.
func TestFault54_AnOldRoundEndsALaterOne(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const dir, ready = "/barriers/a", "/barriers/a/ready"
		p := w.Process()
		v, err := barrier.NewDouble(p.Manager, dir, 1).Enter(w.Context())
		require.NoError(w, err)
		w.Put(dir, "written by a stranger") // so that the version of the directory tells nothing
		deletes := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			deleted := r.Op == zktest.OpDelete && r.Path == ready
			for _, op := range r.Ops {
				deleted = deleted || op.Op == zktest.OpDelete && op.Path == ready
			}
			if !deleted {
				return zktest.Pass
			}
			if deletes++; deletes < 2 && r.Op == zktest.OpMulti {
				return zktest.Pass // by the version, which is refused
			}
			if deletes < 3 {
				w.Remove(ready)
				w.Put(dir, "")
				w.Put(ready, "the next round's")
			}
			return zktest.Pass
		})
		require.NoError(w, v.Leave(w.Context()))
		require.GreaterOrEqual(w, deletes, 2)
		require.Equal(w, "the next round's", w.Data(ready))
	})
}
