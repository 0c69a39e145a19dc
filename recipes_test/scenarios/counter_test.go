package scenarios

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// TestCounterUnderFaults makes five processes add to a number and take numbers
// from a sequence, while servers are killed and restarted.
func TestCounterUnderFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	var mu sync.Mutex
	var added, doubts int64
	given := make(map[int64]bool)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var work sync.WaitGroup
	for range 5 {
		p := start(t, e, lasting)
		c := counter.New(p.Manager, "/counters/n")
		s := counter.NewSequence(p.Manager, "/counters/ids", counter.Block(10))
		t.Cleanup(func() { _ = s.Close() }) // never fails
		work.Go(func() {
			for ctx.Err() == nil {
				_, err := c.Add(ctx, 1)
				mu.Lock()
				switch {
				case err == nil:
					added++
				case errors.Is(err, session.ErrUnknownOutcome):
					doubts++
				case ctx.Err() == nil:
					t.Errorf("add: %v", err)
				}
				mu.Unlock()
				for range 5 {
					id, err := s.Next(ctx)
					mu.Lock()
					switch {
					case err == nil && given[id]:
						t.Errorf("%d was given twice", id)
					case err == nil:
						given[id] = true
					case ctx.Err() == nil:
						t.Errorf("next: %v", err)
					}
					mu.Unlock()
				}
			}
		})
	}
	progress := func(what string) {
		mu.Lock()
		before := added
		mu.Unlock()
		ensemble.Eventually(t, patience, what, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return added > before+20
		})
	}
	progress("additions with three servers")
	for i := range 2 {
		e.Server(i).Kill()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
		progress("additions with two servers")
		e.Server(i).Restart()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
	}
	stop()
	work.Wait()
	v, err := counter.New(observer(t, e), "/counters/n").Get(within(t, patience))
	require.NoError(t, err)
	require.GreaterOrEqual(t, v.N, added, "an acknowledged addition is missing")
	require.LessOrEqual(t, v.N, added+doubts, "an addition was done twice")
	t.Logf("%d additions, %d in doubt, %d in the number, %d numbers given", added, doubts, v.N, len(given))
}
