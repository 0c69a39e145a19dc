package barrier_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// TestFault05_VisitHasNoGuard: a member that comes again has a node at the same
// path, which the check of an earlier visit could not tell from its own.
func TestFault05_VisitHasNoGuard(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		v, err := barrier.NewDouble(p.Manager, "/barriers/a", 1, barrier.ID("m")).Enter(w.Context())
		require.NoError(w, err)
		_, err = p.Txn(w.Context(), v.Guard(), session.CreateOp("/row", nil, session.Persistent))
		require.ErrorIs(w, err, session.ErrNoGuard)
		require.NoError(w, v.Leave(w.Context()))
	})
}
