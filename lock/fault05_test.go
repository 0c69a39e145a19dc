package lock_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// TestFault05_GuardOfAHandedOnHold: one node serves several holders of a
// process. The guard of one does not pass while another holds.
func TestFault05_GuardOfAHandedOnHold(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		write := session.SetOp("/row", nil, session.AnyVersion)
		w.Put("/row", "")
		p, far := w.Process(), w.Process()
		m := handoff(p, 10)

		first := lockNow(w, m)
		guard := first.Guard()
		waiting := locking(w, m)
		synctest.Wait()
		require.NoError(w, first.Release())
		second := waiting.Get()
		require.Zero(w, second.Turn(), "it came from the line")
		for _, by := range []*testworld.Process{p, far} {
			_, err := by.Txn(w.Context(), guard, write)
			require.ErrorIs(w, err, session.ErrLost)
		}

		waiting = locking(w, m)
		synctest.Wait()
		require.NoError(w, second.Release())
		third := waiting.Get()
		require.Equal(w, 1, third.Turn(), "a hold without a guard is handed on")
		_, err := p.Txn(w.Context(), second.Guard(), write)
		require.ErrorIs(w, err, session.ErrLost, "a guard that was asked for too late")
		require.ErrorIs(w, err, session.ErrReleased)
		_, err = p.Txn(w.Context(), third.Guard(), write)
		require.NoError(w, err)
		require.NoError(w, third.Release())
		_, err = p.Txn(w.Context(), third.Guard(), write)
		require.ErrorIs(w, err, session.ErrLost)
	})
}
