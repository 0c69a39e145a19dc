package scenarios

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestTransferWhileAServerDies transfers the leadership repeatedly. Each time a
// server is killed and started again, the ensemble's leader included. No two
// candidates lead at a time, every transfer ends, and no node is left.
func TestTransferWhileAServerDies(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	watcher := observer(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	names := []string{"ann", "ben", "cleo"}
	var leading atomic.Int32
	var wg sync.WaitGroup
	for _, name := range names {
		p := start(t, e, lasting)
		wg.Go(func() {
			err := election.New(p.Manager, "/leaders/t", election.ID(name)).
				Run(ctx, func(ctx context.Context, tm *election.Term) error {
					if ctx.Err() != nil {
						return nil
					}
					if n := leading.Add(1); n != 1 {
						t.Errorf("%d leaders at a time", n)
					}
					<-ctx.Done()
					leading.Add(-1)
					return nil
				})
			if ctx.Err() == nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	operator := start(t, e, lasting)
	el := election.New(operator.Manager, "/leaders/t")
	for round := range 3 {
		name := names[(round+1)%len(names)]
		victim := e.Server(round % 3)
		if round == 0 {
			victim = e.Leader()
		}
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			victim.Kill()
		}()
		for deadline := within(t, patience); ; {
			err := el.Transfer(deadline, name)
			if err == nil {
				break
			}
			// The session of the named candidate may have ended; then it is
			// queued again. So may the operator's, together with the request.
			if !errors.Is(err, election.ErrInterrupted) {
				require.ErrorIs(t, err, election.ErrNoCandidate, "round %d", round)
			}
			require.NoError(t, deadline.Err())
		}
		<-killed
		require.NoError(t, operator.Sync(within(t, patience), "/leaders"))
		leader, err := el.Leader(within(t, patience))
		require.NoError(t, err)
		if leader.Exists && leader.ID != name { // without a leader, it has lost its term since
			t.Logf("round %d: %s was named, and %s has followed it", round, name, leader.ID)
		}
		victim.Restart()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
	}
	cancel()
	wg.Wait()
	require.Zero(t, leading.Load())
	quiet := within(t, patience)
	for {
		require.NoError(t, watcher.Sync(quiet, "/leaders"), "candidates or a transfer request are left")
		left, err := election.New(watcher, "/leaders/t").Participants(quiet)
		require.NoError(t, err)
		_, requested, err := watcher.Exists(quiet, "/leaders/t/transfer")
		require.NoError(t, err)
		if len(left) == 0 && !requested {
			return
		}
	}
}
