package election_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The simulations let candidates come and go, work, expire and be named by
// operators, at random and under faults, in virtual time. No fault takes a node
// away that its session could still trust in.

func TestSimulation(t *testing.T) {
	simulateSeeds(t, func(*election.Election) {})
}

func TestSimulationOfLeaderSelector(t *testing.T) {
	simulateSeeds(t, election.Layout(election.LeaderSelector))
}

func TestSimulationOfOneNode(t *testing.T) {
	simulateSeeds(t, election.Layout(election.OneNode))
}

func simulateSeeds(t *testing.T, layout election.Option) {
	for _, seed := range simulation.Seeds(t, 3) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) { simulate(w, seed, layout) }, zktest.WithTick(time.Second))
		})
	}
}

// dice is a source of chance for many goroutines.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) n(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

func (d *dice) upTo(t time.Duration) time.Duration { return time.Duration(d.n(int(t)) + 1) }

// referee keeps the terms and checks the promises.
type referee struct {
	t *testing.T

	mu        sync.Mutex
	live      *election.Term
	token     int64
	terms     int
	handed    int // transfers that came to their end
	asked     int // terms that ended with ErrTransferred
	transfers map[string]int
}

func (r *referee) begin(t *election.Term) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.Err() != nil {
		return // lost as it was won
	}
	if r.live != nil && r.live.Err() == nil {
		r.t.Errorf("two lead: %s and %s", r.live.Path(), t.Path())
	}
	if t.Token() <= r.token {
		r.t.Errorf("term %d after %d", t.Token(), r.token)
	}
	r.live, r.token = t, t.Token()
	r.terms++
}

// deleted is told by the server, before any client can know.
func (r *referee) deleted(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live != nil && r.live.Path() == path && r.live.Err() == nil {
		r.t.Errorf("the node of a term that lives was deleted: %s", path)
	}
}

func (r *referee) transferred(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.handed++
	case errors.Is(err, election.ErrNoCandidate):
		r.transfers["no candidate"]++
	case errors.Is(err, election.ErrTransferSuperseded):
		r.transfers["overruled"]++
	case errors.Is(err, election.ErrTransferTimeout):
		r.transfers["still leads"]++
	case errors.Is(err, election.ErrInterrupted):
		r.transfers["interrupted"]++
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, election.ErrNotTransferable):
	default:
		r.t.Errorf("transfer: %v", err)
	}
}

func simulate(w *world, seed uint64, layout election.Option) {
	d := &dice{r: rand.New(rand.NewPCG(seed, 2))}
	r := &referee{t: w.T, transfers: make(map[string]int)}
	w.srv.OnChange(func(c zktest.Change) {
		if c.Kind == zktest.Deleted {
			r.deleted(c.Path)
		}
	})
	var calm atomic.Bool
	w.srv.Intercept(func(q zktest.Request) zktest.Action {
		if calm.Load() || q.Op == zktest.OpCloseSession {
			return zktest.Pass
		}
		switch d.n(150) {
		case 0:
			return zktest.DropRequest
		case 1:
			return zktest.LoseReply
		case 2:
			return zktest.Delay(d.upTo(2 * time.Second))
		}
		return zktest.Pass
	})
	processes := make([]*process, 3+d.n(3))
	for i := range processes {
		processes[i] = w.process(func(c *session.Config) { c.Timeout = 2*time.Second + d.upTo(8*time.Second) })
	}
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	var work sync.WaitGroup
	for i, p := range processes {
		for j := range 1 + d.n(2) {
			e := p.election(fmt.Sprintf("c%d", (2*i+j)%5), layout) // some ids are given twice
			work.Go(func() { candidature(ctx, r, d, e) })
		}
		if i < 2 {
			work.Go(func() { operate(ctx, r, d, p.election("operator", layout)) })
		}
	}
	end := time.Now().Add(5 * time.Minute)
	for time.Now().Before(end) {
		time.Sleep(d.upTo(4 * time.Second))
		w.disturb(d, processes[d.n(len(processes))])
	}
	calm.Store(true)
	w.srv.Thaw()
	for _, p := range processes {
		p.link.Heal()
		p.link.Refuse(false)
	}
	time.Sleep(time.Minute)
	stop()
	work.Wait()
	time.Sleep(30 * time.Second)
	require.Empty(w, w.nodes(), "nothing is left")
	info, _ := w.srv.Node(dir)
	require.Zero(w, info.Stat.EphemeralOwner, "the one node is left")
	require.LessOrEqual(w, w.srv.Watches(), len(processes), "one for each session, for transfers")
	require.Greater(w, r.terms, 20)
	w.Logf("%d terms, %d asked to end; transfers: %d fulfilled, %v", r.terms, r.asked, r.handed, r.transfers)
}

// candidature is a candidate that runs, or campaigns, for a while, and begins
// anew.
func candidature(ctx context.Context, r *referee, d *dice, e *election.Election) {
	for ctx.Err() == nil {
		while, cancel := context.WithTimeout(ctx, d.upTo(time.Minute))
		if d.n(2) == 0 {
			err := e.Run(while, func(ctx context.Context, t *election.Term) error {
				r.begin(t)
				wait(ctx, d.upTo(5*time.Second))
				if errors.Is(context.Cause(ctx), election.ErrTransferred) {
					r.mu.Lock()
					r.asked++
					r.mu.Unlock()
					wait(t.Context(), d.upTo(time.Second)) // finishes what it does
				}
				return nil
			})
			if while.Err() == nil {
				r.t.Errorf("run: %v", err)
			}
		} else if t, err := e.Campaign(while); err == nil {
			r.begin(t)
			select {
			case <-t.Transferred():
			case <-t.Done():
			case <-time.After(d.upTo(5 * time.Second)):
			}
			if err := t.Resign(); err != nil && !errors.Is(err, session.ErrLost) {
				r.t.Errorf("resign: %v", err)
			}
		} else if while.Err() == nil {
			r.t.Errorf("campaign: %v", err)
		}
		cancel()
		wait(ctx, d.upTo(2*time.Second))
	}
}

// operate names leaders at random. Every Transfer returns soon after its ctx.
func operate(ctx context.Context, r *referee, d *dice, e *election.Election) {
	for ctx.Err() == nil {
		limit := d.upTo(20 * time.Second)
		while, cancel := context.WithTimeout(ctx, limit)
		began := time.Now()
		err := e.Transfer(while, fmt.Sprintf("c%d", d.n(5)))
		if took := time.Since(began); took > limit {
			r.t.Errorf("a transfer took %v instead of %v at most", took, limit)
		}
		if ctx.Err() == nil {
			r.transferred(err)
		}
		cancel()
		wait(ctx, d.upTo(5*time.Second))
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// disturb does one thing to the server or to a process's network, or undoes
// all.
func (w *world) disturb(d *dice, p *process) {
	switch d.n(10) {
	case 0:
		p.link.Disconnect()
	case 1:
		p.link.Cut(zktest.ToServer)
	case 2:
		p.link.Cut(zktest.ToClient)
	case 3:
		p.link.Cut(zktest.Both)
	case 4:
		p.link.Refuse(true)
		p.link.Disconnect()
	case 5:
		w.srv.Restart()
	default:
		p.link.Heal()
		p.link.Refuse(false)
	}
}
