package counter_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// TestSimulation runs random programs of several processes under random faults
// of the network and the server, in virtual time. What is in the number is what
// was acknowledged, and at most what is in doubt besides. No number of a
// sequence is given twice, and no reader goes back.
func TestSimulation(t *testing.T) {
	for _, seed := range simulation.Seeds(t, 4) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) { simulate(w, seed) }, zktest.Tick(time.Second))
		})
	}
}

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

// ledger is what all processes together know.
type ledger struct {
	mu           sync.Mutex
	least, most  int64 // that the number can be
	given        map[int64]bool
	adds, doubts int
}

func (l *ledger) add(w *testworld.World, d *dice, c *counter.Counter, ctx context.Context) {
	n := int64(d.n(100)) + 1
	_, err := c.Add(ctx, n)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.adds++
		l.least += n
		l.most += n
	case errors.Is(err, session.ErrUnknownOutcome):
		l.doubts++
		l.most += n
	case ctx.Err() == nil:
		w.Errorf("add: %v", err)
	}
}

func (l *ledger) next(w *testworld.World, s *counter.Sequence, ctx context.Context) {
	n, err := s.Next(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil && l.given[n]:
		w.Errorf("%d was given twice", n)
	case err == nil:
		l.given[n] = true
	case ctx.Err() == nil:
		w.Errorf("next: %v", err)
	}
}

func simulate(w *testworld.World, seed uint64) {
	d := &dice{r: rand.New(rand.NewPCG(seed, 3))}
	l := &ledger{given: make(map[int64]bool)}
	var calm atomic.Bool
	w.Srv.Intercept(func(q zktest.Request) zktest.Action {
		if calm.Load() || q.Op == zktest.OpCloseSession {
			return zktest.Pass
		}
		switch d.n(60) {
		case 0:
			return zktest.DropRequest
		case 1:
			return zktest.LoseReply
		case 2:
			return zktest.Delay(d.upTo(2 * time.Second))
		}
		return zktest.Pass
	})
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	var work sync.WaitGroup
	var processes []*testworld.Process
	for range 2 + d.n(4) {
		p := w.Process(testworld.Timeout(2*time.Second + d.upTo(8*time.Second)))
		processes = append(processes, p)
		c := counter.New(p.Manager, path)
		s := counter.NewSequence(p.Manager, "/sequences/n", counter.Block(1+int64(d.n(20))))
		w.Cleanup(func() { _ = s.Close() })
		for range 2 {
			work.Go(func() {
				for ctx.Err() == nil {
					wait, cancel := context.WithTimeout(ctx, d.upTo(20*time.Second))
					if d.n(2) == 0 {
						l.add(w, d, c, wait)
					} else {
						l.next(w, s, wait)
					}
					cancel()
					time.Sleep(d.upTo(time.Second))
				}
			})
		}
		work.Go(func() {
			var last int64
			for v, err := range c.Changes(ctx) {
				if err != nil || v.N < last {
					w.Errorf("%d after %d: %v", v.N, last, err)
				}
				last = v.N
			}
		})
	}
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		time.Sleep(d.upTo(3 * time.Second))
		disturb(w, d, processes[d.n(len(processes))])
	}
	calm.Store(true)
	w.Srv.Thaw()
	for _, p := range processes {
		p.Link.Heal()
		p.Link.Refuse(false)
	}
	stop()
	work.Wait()
	time.Sleep(time.Minute) // what is under way arrives, or never does
	v, err := counter.New(w.Process().Manager, path).Get(w.Context())
	require.NoError(w, err)
	l.mu.Lock()
	defer l.mu.Unlock()
	require.GreaterOrEqual(w, v.N, l.least, "an acknowledged Add is missing")
	require.LessOrEqual(w, v.N, l.most, "something was added twice")
	require.Greater(w, l.adds, 20)
	require.Greater(w, len(l.given), 20)
	w.Logf("%d adds, %d in doubt, %d numbers given", l.adds, l.doubts, len(l.given))
}

// disturb does one thing to the server or to a process's network, or undoes
// all.
func disturb(w *testworld.World, d *dice, p *testworld.Process) {
	var id int64
	if sessions := w.Srv.Sessions(); len(sessions) > 0 {
		id = sessions[d.n(len(sessions))].ID
	}
	switch d.n(9) {
	case 0:
		p.Link.Cut([]zktest.Direction{zktest.ToServer, zktest.ToClient, zktest.Both}[d.n(3)])
	case 1, 2, 3:
		p.Link.Heal()
		p.Link.Refuse(false)
	case 4:
		p.Link.Disconnect()
	case 5:
		p.Link.Refuse(true)
		p.Link.Disconnect()
	case 6:
		w.Srv.Lag(id)
		time.Sleep(d.upTo(time.Second))
		w.Srv.CatchUp(id)
	case 7:
		w.Srv.Restart()
	case 8:
		w.Srv.Expire(id)
	}
	synctest.Wait()
}
