package election_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// Errors name a candidate whose id may not be read by its znode, and no
// Transfer can name it.
func TestFault38_TransferBesideAHiddenCandidate(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/e", "")
		secret, err := election.New(owner.Manager, "/e", election.ID("secret")).Campaign(w.Context())
		require.NoError(w, err)
		e := election.New(w.Process().Manager, "/e", election.ID("b"))
		for _, id := range []string{"x", ""} {
			err = e.Transfer(w.Within(time.Minute), id)
			require.ErrorIs(w, err, election.ErrNoCandidate)
			require.ErrorContains(w, err, "the candidates are "+w.Children("/e")[0]+" (its ACL hides the id)")
			require.NotContains(w, err.Error(), `are ""`)
		}

		// The leader is a candidate that does not step down.
		next := testworld.Go(w, e.Campaign)
		err = e.Transfer(w.Within(time.Minute), "b")
		require.ErrorIs(w, err, election.ErrTransferTimeout)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorContains(w, err, "(its ACL hides the id) leads)")
		require.NoError(w, secret.Resign())
		require.NoError(w, next.Get().Resign())
	})
}
