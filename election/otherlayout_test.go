package election_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// Candidates of two layouts on one path exclude each other, whichever comes
// first. The error names what is there, and what to do.
func TestAnotherLayoutLeads(t *testing.T) {
	for _, c := range []struct {
		first, second election.Format
		want          error
		texts         []string
	}{
		{election.LeaderLatch, election.OneNode, session.ErrNotEphemeral, []string{
			"campaign /e: the znode is not ephemeral: it is the directory of an election; choose another path",
			"; if candidates use it, give the Layout that they have",
		}},
		{election.OneNode, election.LeaderLatch, session.ErrNoChildrenForEphemerals, []string{
			"the parent is an ephemeral znode, such as a one-node lock, and can have no children; choose another path",
			"; if a candidate has made it, give Layout(OneNode)",
		}},
	} {
		testworld.Run(t, func(w *testworld.World) {
			_, err := election.New(w.Process().Manager, "/e", election.Layout(c.first)).Campaign(w.Context())
			require.NoError(w, err)
			_, err = election.New(w.Process().Manager, "/e", election.Layout(c.second)).Campaign(w.Within(time.Minute))
			require.ErrorIs(w, err, c.want)
			for _, text := range c.texts {
				require.ErrorContains(w, err, text)
			}
		})
	}
}
