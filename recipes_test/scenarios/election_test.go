package scenarios

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestElectionFailsOver cuts off one leader after the other. No two candidates
// lead at a time, each vacancy ends, and an observer sees the leader.
func TestElectionFailsOver(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	watcher := observer(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	var leading atomic.Int32
	var term atomic.Int64
	elected := make(chan *process, 100)
	var wg sync.WaitGroup
	for i := range 3 {
		p := start(t, e, brief)
		wg.Go(func() {
			err := election.New(p.Manager, "/leaders/a", election.ID("host-"+strconv.Itoa(i))).
				Run(ctx, func(ctx context.Context, tm *election.Term) error {
					if ctx.Err() != nil {
						return nil
					}
					if n := leading.Add(1); n != 1 {
						t.Errorf("%d leaders at a time", n)
					}
					if old := term.Swap(tm.Token()); tm.Token() <= old {
						t.Errorf("term %d after %d", tm.Token(), old)
					}
					elected <- p
					<-ctx.Done()
					leading.Add(-1)
					return nil
				})
			if ctx.Err() == nil {
				t.Errorf("run: %v", err)
			}
		})
	}

	seen := make(chan election.Leader, 100)
	wg.Go(func() {
		for leader, err := range election.New(watcher, "/leaders/a").Changes(ctx) {
			if err != nil {
				t.Logf("observe: %v", err)
				continue
			}
			seen <- leader
		}
	})
	for round := range 4 {
		var p *process
		select {
		case p = <-elected:
		case <-time.After(patience):
			require.Fail(t, "no candidate was elected", "round %d", round)
		}
		s, err := bridge.Core(p.Manager).Session(t.Context())
		require.NoError(t, err)
		p.proxy.CutAll([]ensemble.Direction{ensemble.ToServer, ensemble.ToClient, ensemble.Both}[round%3])
		<-s.Done()
		p.proxy.HealAll()
	}
	<-elected
	// In the end the observer sees the present leader.
	deadline := time.After(patience)
	for done := false; !done; {
		select {
		case leader := <-seen:
			done = leader.Exists && leader.Token == term.Load()
		case <-deadline:
			require.Fail(t, "the observer never saw the present leader")
		}
	}
	cancel()
	wg.Wait()
	require.Zero(t, leading.Load())
}
