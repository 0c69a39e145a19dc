package election_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
)

// verbs are the calls of an Election, by the operation that their errors name.
var verbs = map[string]func(ctx context.Context, e *election.Election) error{
	"campaign":            func(ctx context.Context, e *election.Election) error { _, err := e.Campaign(ctx); return err },
	"find leader":         func(ctx context.Context, e *election.Election) error { _, err := e.Leader(ctx); return err },
	"list participants":   func(ctx context.Context, e *election.Election) error { _, err := e.Participants(ctx); return err },
	"transfer leadership": func(ctx context.Context, e *election.Election) error { return e.Transfer(ctx, "b") },
	"watch leader": func(ctx context.Context, e *election.Election) error {
		for _, err := range e.Changes(ctx) {
			return err
		}
		return nil
	},
}

// Every error of a verb says which operation failed, and on which path.
func TestErrorsNameOperationAndPath(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p, q := w.process(), w.process()
		term := p.lead("a")
		require.NoError(t, w.Srv.Remove(term.Path()))
		<-term.Done()
		lost := term.Resign()
		require.ErrorIs(t, lost, session.ErrLost)
		requireOp(t, lost, "resign", dir)
		requireOp(t, term.UpdatePayload(t.Context(), nil), "update payload", dir)

		require.NoError(t, q.Close())
		for op, call := range verbs {
			err := call(t.Context(), q.election("a"))
			require.ErrorIs(t, err, session.ErrClosed, op)
			requireOp(t, err, op, dir)
			err = call(t.Context(), election.New(p.Manager, "x"))
			require.ErrorContains(t, err, "relative")
			require.NotContains(t, err.Error(), "session", "the path is checked before any request")
			requireOp(t, err, op, "x")
			err = call(t.Context(), p.election("a", election.Layout(99)))
			require.EqualError(t, err, op+" "+dir+": "+map[bool]string{true: `to "b": `}[op == "transfer leadership"]+
				"Layout(99): unknown format; use LeaderLatch, LeaderSelector or OneNode")
			requireOp(t, err, op, dir)
		}

		ctx, cancel := context.WithCancel(t.Context())
		err := p.election("a").Run(ctx, func(context.Context, *election.Term) error { cancel(); return nil })
		require.EqualError(t, err, "run election "+dir+": context canceled")
		requireOp(t, err, "run election", dir)
		requireOp(t, p.election("a").Run(ctx, neverLeads), "run election", dir)
	})
}

// requireOp requires that err is the error of the operation on the path.
func requireOp(t *testing.T, err error, op, path string) {
	t.Helper()
	var failed *session.OpError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, op, failed.Op)
	require.Equal(t, path, failed.Path)
}
