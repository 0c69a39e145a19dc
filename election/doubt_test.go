package election_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// Another client deletes the leader's node, whose server lags: the event is late.
// What the old leader does leaves the node of the next alone.
func TestFault06_OneNodeLeavesTheNextLeaderAlone(t *testing.T) {
	for name, act := range map[string]func(ctx context.Context, term *election.Term) error{
		"resign":         func(_ context.Context, term *election.Term) error { return term.Resign() },
		"update payload": func(ctx context.Context, term *election.Term) error { return term.UpdatePayload(ctx, []byte("old")) },
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				a, b := w.Process(), w.Process()
				old, err := election.New(a.Manager, master, election.Layout(election.OneNode), election.Payload([]byte("old"))).Campaign(w.Context())
				require.NoError(t, err)
				w.Srv.Lag(a.Current().ID())
				w.Remove(master)
				next, err := election.New(b.Manager, master, election.Layout(election.OneNode), election.Payload([]byte("next"))).Campaign(w.Context())
				require.NoError(t, err)
				require.NoError(t, old.Err(), "the event is late")
				if err := act(w.Context(), old); name == "update payload" {
					require.ErrorIs(t, err, session.ErrLost)
				} else if err != nil {
					require.ErrorIs(t, err, session.ErrLost)
				}
				time.Sleep(time.Minute)
				require.NoError(t, next.Err())
				require.Equal(t, "next", w.Data(master))
				require.NoError(t, next.UpdatePayload(w.Context(), []byte("newer")))
				require.Equal(t, "newer", w.Data(master))
			})
		})
	}
}

// The server throttles: Run goes on for its next terms, and no node of an old
// term stays in the way of a later one.
func TestFault09_RunOnAThrottledServer(t *testing.T) {
	for name, layout := range map[string]election.Option{
		"line": func(*election.Election) {}, "leader selector": election.Layout(election.LeaderSelector), "one node": election.Layout(election.OneNode),
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				w.Throttle()
				terms := 0
				ctx, cancel := context.WithCancel(w.Within(time.Hour))
				err := election.New(p.Manager, master, layout).Run(ctx, func(_ context.Context, _ *election.Term) error {
					if terms++; terms == 5 {
						cancel()
					}
					return nil
				})
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, 5, terms)
				w.Eventually(func() bool {
					node, found := w.Srv.Node(master)
					return !found || name != "one node" && len(node.Children) == 0
				}, "nothing of it stands")
			})
		})
	}
}
