package views

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// A leader without a quorum answers reads. The state is stale until a quorum
// has answered. Many views share one check.
func TestFault31_StaleUntilAQuorumAnswers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/d/a", "1")
		p := w.Process()
		var views []interface{ Stale() bool }
		open := func() {
			m, err := Open(w.Context(), p.Core(), Config{Path: "/d/a"})
			require.NoError(w, err)
			w.Cleanup(m.Close)
			views = append(views, m, openTree(p, TreeConfig{Path: "/d"}))
		}
		all := func(stale bool) {
			w.Helper()
			synctest.Wait()
			for i, m := range views {
				require.Equal(w, stale, m.Stale(), "view %d", i)
			}
		}
		open()
		open()
		all(false)
		for range 2 {
			old := w.Srv.Depose(p.Link)
			p.Link.Disconnect()
			w.Eventually(func() bool { return p.Core().State() == core.Connected }, "it is back")
			for range 100 {
				time.Sleep(time.Millisecond)
				all(true)
			}
			w.Put("/d/a", "2")
			w.Srv.ResetCounts()
			old.StepDown()
			w.Eventually(func() bool { return !views[0].Stale() }, "a quorum has answered")
			time.Sleep(time.Second)
			all(false)
			require.Equal(w, 1, w.Srv.Count(zktest.OpMulti), "one check for all")
			require.Equal(w, "2", show(views[0].(*Node).Load()))
		}
	})
}

// A view that is opened on an unconfirmed connection is stale until a quorum
// has answered. The deposed leader answers the first read, or answers nothing
// after the check.
func TestFault31_OpenedOnALeaderWithoutAQuorum(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/d/a", "1")
		p := w.Process()
		old := w.Srv.Depose(p.Link)
		p.Link.Disconnect()
		w.Eventually(func() bool { return p.Core().State() == core.Connected }, "it is back")
		opening := testworld.Go(w, func(ctx context.Context) (*Node, error) {
			return Open(ctx, p.Core(), Config{Path: "/d/a"})
		})
		if !opening.Waiting() {
			m, err := opening.Result()
			require.NoError(w, err)
			require.True(w, m.Stale())
			require.Equal(w, "1", show(m.Load()))
		}
		old.StepDown()
		m, err := opening.Result()
		require.NoError(w, err)
		defer m.Close()
		w.Eventually(func() bool { return !m.Stale() }, "a quorum has answered")
		require.Equal(w, "1", show(m.Load()))
	})
}
