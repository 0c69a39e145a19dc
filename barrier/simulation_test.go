package barrier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// TestSimulation runs random programs of several processes under random faults
// of the network and the server, in virtual time: as many members as the
// barrier is for, and sometimes more, go in and out for minutes.
func TestSimulation(t *testing.T) { simulateSeeds(t, false) }

// TestSimulationWithForce adds what no client can foresee: sessions ended by an
// administrator, and nodes deleted by other clients.
func TestSimulationWithForce(t *testing.T) { simulateSeeds(t, true) }

func simulateSeeds(t *testing.T, force bool) {
	for _, seed := range simulation.Seeds(t, 2) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) { simulate(w, seed, force) }, zktest.WithTick(time.Second))
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

// referee keeps what the server has seen, and every visit.
type referee struct {
	t     *testing.T
	count int
	force bool

	mu     sync.Mutex
	nodes  map[string]bool                   // members that stand on the server
	rounds map[int64]bool                    // by token
	inside map[int64]map[*barrier.Visit]bool // by token
	token  int64                             // the newest
	done   int                               // rounds that a member has left
}

// changed is told by the server, before any client can know.
func (r *referee) changed(c zktest.Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, below := strings.CutPrefix(c.Path, dir+"/")
	switch {
	case !below:
	case name == "ready" && c.Kind == zktest.Created:
		var data struct{ Members []string }
		if err := json.Unmarshal(c.Data, &data); err != nil || len(data.Members) != r.count {
			r.t.Errorf("a round of %d members: %s", len(data.Members), c.Data)
		}
		for _, m := range data.Members {
			if !r.nodes[m] {
				r.t.Errorf("a round began with a member that did not stand: %s", m)
			}
		}
		r.rounds[c.Zxid] = true
	case c.Kind == zktest.Created:
		r.nodes[name] = true
	case c.Kind == zktest.Deleted:
		delete(r.nodes, name)
	}
}

// entered is told by a member that has come in.
func (r *referee) entered(v *barrier.Visit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.rounds[v.Token()] {
		r.t.Errorf("a member came in without a round: token %d", v.Token())
	}
	if r.inside[v.Token()] == nil {
		r.inside[v.Token()] = make(map[*barrier.Visit]bool)
	}
	r.inside[v.Token()][v] = true
	if n := len(r.inside[v.Token()]); n > r.count {
		r.t.Errorf("%d members came in", n)
	}
	for token, visits := range r.inside {
		for other := range visits {
			if token < v.Token() && other.Err() == nil && !r.force {
				r.t.Errorf("token %d is inside while %d comes in", token, v.Token())
			}
		}
	}
	r.token = max(r.token, v.Token())
}

// leaves is told by a member before it leaves.
func (r *referee) leaves(v *barrier.Visit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.inside[v.Token()], v)
}

// left is called by a member whose Leave has succeeded.
func (r *referee) left(v *barrier.Visit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for other := range r.inside[v.Token()] {
		if other.Err() == nil && !r.force {
			r.t.Errorf("a member came out while %s was inside", other.Path())
		}
	}
	r.done++
}

func simulate(w *testworld.World, seed uint64, force bool) {
	d := &dice{r: rand.New(rand.NewPCG(seed, 2))}
	count := 2 + d.n(4)
	r := &referee{
		t: w.T, count: count, force: force,
		nodes: make(map[string]bool), rounds: make(map[int64]bool), inside: make(map[int64]map[*barrier.Visit]bool),
	}
	w.Srv.OnChange(r.changed)
	var calm atomic.Bool
	w.Srv.Intercept(func(q zktest.Request) zktest.Action {
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
	members := count + d.n(2)*d.n(2)
	var processes []*testworld.Process
	for range 1 + d.n(members) {
		processes = append(processes, w.Process(func(c *session.Config) {
			c.Timeout = 2*time.Second + d.upTo(8*time.Second)
			if d.n(4) == 0 {
				c.LossPolicy = session.OnDisconnect
			}
		}))
	}
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	var work sync.WaitGroup
	for i := range members {
		var opts []barrier.Option
		if d.n(2) == 0 {
			opts = append(opts, barrier.ID(strconv.Itoa(i)))
		}
		double := barrier.NewDouble(processes[i%len(processes)].Manager, dir, count, opts...)
		work.Go(func() { member(ctx, r, d, double) })
	}
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		time.Sleep(d.upTo(3 * time.Second))
		disturb(w, d, processes[d.n(len(processes))], force)
	}
	calm.Store(true)
	w.Srv.Thaw()
	for _, p := range processes {
		p.Link.Heal()
		p.Link.Refuse(false)
		p.Link.Delay(0)
	}
	r.mu.Lock()
	before := r.done
	r.mu.Unlock()
	time.Sleep(3 * time.Minute)
	r.mu.Lock()
	require.Greater(w, r.done, before+10, "no deadlock: once all is well rounds go on")
	r.mu.Unlock()
	stop()
	work.Wait()
	time.Sleep(time.Minute)
	_, visits := gather(w, count)
	allLeave(w, visits)
}

// member goes in and out at random.
func member(ctx context.Context, r *referee, d *dice, double *barrier.Double) {
	for ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, 5*time.Second+d.upTo(40*time.Second))
		v, err := double.Enter(wait)
		switch {
		case err == nil:
			r.entered(v)
			pause(v.Context(), d.upTo(time.Second))
			r.leaves(v)
			if d.n(20) == 0 {
				_ = v.Release() // leaves without a word
				break
			}
			switch err := v.Leave(wait); {
			case err == nil:
				r.left(v)
			case !errors.Is(err, session.ErrLost) && wait.Err() == nil:
				r.t.Errorf("leave: %v", err)
			}
		case errors.Is(err, barrier.ErrFull), errors.Is(err, session.ErrIDTaken), wait.Err() != nil:
			pause(ctx, d.upTo(time.Second))
		default:
			r.t.Errorf("enter: %v", err)
		}
		cancel()
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// disturb does one thing to the server or to a process's network, or undoes
// all.
func disturb(w *testworld.World, d *dice, p *testworld.Process, force bool) {
	ways := []zktest.Direction{zktest.ToServer, zktest.ToClient, zktest.Both}
	var id int64
	if sessions := w.Srv.Sessions(); len(sessions) > 0 {
		id = sessions[d.n(len(sessions))].ID
	}
	kinds := 11
	if force {
		kinds += 3
	}
	switch d.n(kinds) {
	case 0, 1:
		p.Link.Cut(ways[d.n(3)])
	case 2, 3, 4:
		p.Link.Heal()
		p.Link.Refuse(false)
	case 5:
		p.Link.Disconnect()
	case 6:
		p.Link.Refuse(true)
		p.Link.Disconnect()
	case 7:
		w.Srv.Freeze()
		time.Sleep(d.upTo(4 * time.Second))
		w.Srv.Thaw()
	case 8:
		w.Srv.Lag(id)
		time.Sleep(d.upTo(time.Second))
		w.Srv.CatchUp(id)
	case 9:
		p.Link.Delay(d.upTo(300 * time.Millisecond))
	case 10:
		w.Srv.Restart()
	case 11, 12:
		w.Srv.Expire(id)
	case 13:
		if nodes := w.Children(dir); len(nodes) > 0 {
			if name := nodes[d.n(len(nodes))]; name != "ready" {
				_ = w.Srv.Remove(dir + "/" + name) // it may have gone by itself
			}
		}
	}
	synctest.Wait()
}
