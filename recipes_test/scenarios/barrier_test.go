package scenarios

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// gathering records the members inside a rendezvous. It notices a member inside
// while another leaves, or enters a later round.
type gathering struct {
	tb     testing.TB
	mu     sync.Mutex
	inside map[*barrier.Visit]bool
	rounds map[int64]int // members that entered, by token
}

func (g *gathering) entered(v *barrier.Visit, count int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for other := range g.inside {
		if other.Token() != v.Token() && other.Err() == nil {
			g.tb.Errorf("round %d is inside while %d comes in", other.Token(), v.Token())
		}
	}
	g.inside[v] = true
	if g.rounds[v.Token()]++; g.rounds[v.Token()] > count {
		g.tb.Errorf("%d members in a round of %d", g.rounds[v.Token()], count)
	}
}

func (g *gathering) leaves(v *barrier.Visit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.inside, v)
}

func (g *gathering) left(v *barrier.Visit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for other := range g.inside {
		if other.Token() == v.Token() && other.Err() == nil {
			g.tb.Errorf("a member came out while %s was inside", other.Path())
		}
	}
}

// TestDoubleUnderFaults makes four members enter and leave while servers are
// killed and restarted. Now and then one member is cut off.
func TestDoubleUnderFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	watcher := observer(t, e)
	const count = 4
	g := &gathering{tb: t, inside: make(map[*barrier.Visit]bool), rounds: make(map[int64]int)}
	gate := barrier.New(watcher, "/barriers/start")
	require.NoError(t, gate.Set(within(t, patience)))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var processes []*process
	var work sync.WaitGroup
	for range count {
		p := start(t, e, brief)
		processes = append(processes, p)
		work.Go(func() {
			if err := barrier.New(p.Manager, "/barriers/start").Wait(ctx); err != nil {
				t.Errorf("gate: %v", err)
			}
			d := barrier.NewDouble(p.Manager, "/barriers/epoch", count)
			for ctx.Err() == nil {
				v, err := d.Enter(ctx)
				switch {
				case errors.Is(err, barrier.ErrFull):
					continue
				case err != nil:
					if ctx.Err() == nil {
						t.Errorf("enter: %v", err)
					}
					continue
				}
				g.entered(v, count)
				select { // works until the test ends
				case <-v.Done():
				case <-time.After(5 * time.Millisecond):
				}
				g.leaves(v)
				switch err := v.Leave(ctx); {
				case err == nil:
					g.left(v)
				case !errors.Is(err, session.ErrLost) && ctx.Err() == nil:
					t.Errorf("leave: %v", err)
				}
			}
		})
	}
	require.NoError(t, gate.Lift(within(t, patience)))
	progress := func(what string) {
		g.mu.Lock()
		before := len(g.rounds)
		g.mu.Unlock()
		ensemble.Eventually(t, patience, what, func() bool {
			g.mu.Lock()
			defer g.mu.Unlock()
			return len(g.rounds) > before+8
		})
	}
	progress("rounds with three servers")
	for i := range 2 {
		e.Server(i).Kill()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
		progress("rounds with two servers")
		e.Server(i).Restart()
		processes[i].proxy.CutAll(ensemble.Both)
		old, err := bridge.Core(processes[i].Manager).Session(within(t, patience))
		require.NoError(t, err)
		<-old.Done()
		processes[i].proxy.HealAll()
		progress("rounds after a member was cut off")
	}
	stop()
	work.Wait()
	t.Logf("%d rounds", len(g.rounds))
	ensemble.Eventually(t, patience, "no member's node is left behind", func() bool {
		members, err := barrier.NewDouble(watcher, "/barriers/epoch", count).Members(within(t, patience))
		return err == nil && len(members) == 0
	})
}
