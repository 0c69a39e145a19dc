package election_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
)

func TestFault58_ConcurrentResigns(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		term, err := election.New(w.Process().Manager, "/election").Campaign(w.Context())
		require.NoError(t, err)
		for _, err := range w.Twice(term.Resign) {
			require.NoError(t, err)
		}
	})
}
