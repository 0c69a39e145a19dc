package election_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// eachLayout runs f with an election of each layout.
func eachLayout(t *testing.T, f func(w *testworld.World, campaign func(p *testworld.Process) func(ctx context.Context) (*election.Term, error))) {
	for i, layout := range append(layouts, election.Layout(election.OneNode)) {
		t.Run(fmt.Sprint("layout ", i), func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
				f(w, func(p *testworld.Process) func(ctx context.Context) (*election.Term, error) {
					return election.New(p.Manager, dir, layout).Campaign
				})
			})
		})
	}
}

// An administrator takes the right to read the leader's node from its session, and deletes
// the node. No server tells the session. Its term ends soon after the next has begun.
func TestUnseenDeletionOfALeader(t *testing.T) {
	eachLayout(t, func(w *testworld.World, campaign func(*testworld.Process) func(context.Context) (*election.Term, error)) {
		p := w.Process()
		term, err := campaign(p)(w.Context())
		require.NoError(w, err)
		time.Sleep(time.Minute)
		p.RemoveHidden()
		next, err := campaign(w.Process(testworld.Reader))(w.Within(time.Minute))
		require.NoError(w, err)
		w.EndsUnseen(term.Context(), "")
		require.NoError(w, next.Err())
	})
}

// The same befalls a candidate whose turn is prepared, just before its predecessor resigns.
func TestUnseenDeletionOfACandidate(t *testing.T) {
	for _, layout := range layouts {
		testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
			first, p, next := w.Process(testworld.Reader), w.Process(), w.Process(testworld.Reader)
			leader, err := election.New(first.Manager, dir, layout).Campaign(w.Context())
			require.NoError(w, err)
			subject := testworld.Go(w, election.New(p.Manager, dir, layout).Campaign)
			last := testworld.Go(w, election.New(next.Manager, dir, layout).Campaign)
			time.Sleep(time.Second)
			p.RemoveHidden()
			require.NoError(w, leader.Resign())
			after := last.Get()
			if !subject.Waiting() && subject.Get().Err() == nil {
				w.EndsUnseen(subject.Get().Context(), "")
			}
			require.NoError(w, after.Err())
		})
	}
}
