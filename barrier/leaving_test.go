package barrier_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// A member that comes again while its own znode is still being removed waits for
// the removal. The id is not in use: it is leaving.
func TestEnterWaitsForItsOwnLeavingZnode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpDelete {
				return zktest.Delay(3 * time.Second)
			}
			return zktest.Pass
		})
		d := barrier.NewDouble(p.Manager, "/b", 2, barrier.ID("a"))
		soon, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		_, err := d.Enter(soon) // nobody else comes
		require.ErrorIs(w, err, context.DeadlineExceeded)
		other := testworld.Go(w, func(ctx context.Context) (*barrier.Visit, error) {
			time.Sleep(5 * time.Second) // else the znode that is leaving counts as a member of its round
			return barrier.NewDouble(w.Process().Manager, "/b", 2, barrier.ID("b")).Enter(ctx)
		})
		within, stop := context.WithTimeout(w.Context(), time.Minute)
		defer stop()
		v, err := d.Enter(within)
		require.NoError(w, err)
		require.NoError(w, v.Err())
		_, err = other.Result()
		require.NoError(w, err)
	})
}
