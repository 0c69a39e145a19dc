package election_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// Strangers choose the ids of candidates. An error that lists the candidates
// stays short.
func TestFault44_LongIDs(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(w, p.EnsureDir(w.Context(), "/e"))
		for range 20 {
			_, err := p.Create(w.Context(), "/e/_c_00000000-0000-4000-8000-000000000000-latch-", []byte(strings.Repeat("\x00", 60_000)), session.EphemeralSequential)
			require.NoError(w, err)
		}
		err := election.New(p.Manager, "/e").Transfer(w.Context(), "nobody")
		require.ErrorIs(w, err, election.ErrNoCandidate)
		require.Less(w, len(err.Error()), 10_000)
		require.NotContains(w, err.Error(), "\n")
	})
}
