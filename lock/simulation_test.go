package lock_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The simulations run random programs of several processes under random faults
// of the network and the server, in virtual time. No fault takes a znode away
// that its session could still trust in. So at any instant, holds that exclude
// each other must not both live, and a hold must not live when the server
// deletes its znode.

func TestSimulation(t *testing.T)          { simulateSeeds(t, mutexes, false) }
func TestSimulationOfRW(t *testing.T)      { simulateSeeds(t, rwMutexes, false) }
func TestSimulationOfOneNode(t *testing.T) { simulateSeeds(t, oneNodes, false) }

// Those with force add what no client can foresee: sessions ended by an
// administrator, and znodes deleted by other clients. Two may hold for a moment
// then; tokens must distinguish them all the same.

func TestSimulationWithForce(t *testing.T)          { simulateSeeds(t, mutexes, true) }
func TestSimulationOfRWWithForce(t *testing.T)      { simulateSeeds(t, rwMutexes, true) }
func TestSimulationOfOneNodeWithForce(t *testing.T) { simulateSeeds(t, oneNodes, true) }

func simulateSeeds(t *testing.T, k kind, force bool) {
	for _, seed := range simulation.Seeds(t, 3) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) { simulate(w, k, seed, force) }, zktest.WithTick(time.Second))
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

// referee keeps every hold and checks the promises.
type referee struct {
	t     *testing.T
	force bool

	mu     sync.Mutex
	made   map[string][]int64 // path → zxids, of every contender
	holds  map[string]*judged // by path
	token  int64              // the greatest so far
	writer int64              // the greatest of one who holds alone
	won    []won
}

// won is one acquisition: the zxid that made its node, its token, and whether
// it shares the lock.
type won struct {
	czxid, token int64
	shared       bool
}

type judged struct {
	grasp
	ended atomic.Pointer[time.Time]
}

// begin is told of a hold by the goroutine that has acquired it.
func (r *referee) begin(g grasp) {
	j := &judged{grasp: g}
	context.AfterFunc(g.Context(), func() {
		now := time.Now()
		j.ended.Store(&now)
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if g.Err() != nil {
		return // lost as it was won
	}
	for _, other := range r.holds {
		if other.Err() == nil && !(g.shared && other.shared) && !r.force {
			r.t.Errorf("two hold: %s and %s", other.Path(), g.Path())
		}
	}
	r.holds[g.Path()] = j
	if g.downgraded {
		return // with the token that it had
	}
	made := int64(-1) // a OneNode has made the node at its path many times
	for _, zxid := range r.made[g.Path()] {
		if zxid <= g.Token() {
			made = zxid
		}
	}
	r.won = append(r.won, won{made, g.Token(), g.shared})
	least := r.token
	if g.shared {
		least = r.writer
	}
	if g.Token() <= least && !r.force {
		r.t.Errorf("token %d after %d", g.Token(), least)
	}
	r.token = max(r.token, g.Token())
	if !g.shared {
		r.writer = max(r.writer, g.Token())
	}
}

// The server calls created, before any client can know.
func (r *referee) created(path string, zxid int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made[path] = append(r.made[path], zxid)
}

// checkTokens demands that each token lies between two zxids: the create of its
// own znode, and the create of the next holder's znode that does not share the
// lock with it. Then a store can tell which holder was later, whatever the
// order of their writes.
func (r *referee) checkTokens() {
	slices.SortFunc(r.won, func(a, b won) int { return cmp.Compare(a.czxid, b.czxid) })
	var all, writers int64
	for _, w := range r.won {
		require.Positive(r.t, w.czxid, "a token less than its own node's zxid")
		if w.shared {
			require.Greater(r.t, w.czxid, writers)
		} else {
			require.Greater(r.t, w.czxid, all)
			writers = max(writers, w.token)
		}
		all = max(all, w.token)
	}
}

// The server calls deleted, before any client can know.
func (r *referee) deleted(path string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j := r.holds[path]
	if j == nil {
		return
	}
	delete(r.holds, path)
	if r.force {
		return
	}
	if j.Err() == nil {
		r.t.Errorf("the node of a hold that lives was deleted: %s", path)
		return
	}
	if ended := j.ended.Load(); errors.Is(j.Err(), session.ErrTrustElapsed) && (ended == nil || !ended.Before(at)) {
		r.t.Errorf("the hold did not end before its node was deleted: %s", path)
	}
}

func simulate(w *world, k kind, seed uint64, force bool) {
	d := &dice{r: rand.New(rand.NewPCG(seed, 1))}
	r := &referee{t: w.T, force: force, made: make(map[string][]int64), holds: make(map[string]*judged)}
	w.srv.OnChange(func(c zktest.Change) {
		switch c.Kind {
		case zktest.Created:
			r.created(c.Path, c.Zxid)
		case zktest.Deleted:
			r.deleted(c.Path, c.Time)
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

	processes := make([]*process, 2+d.n(4))
	for i := range processes {
		processes[i] = w.process(func(c *session.Config) {
			c.Timeout = 2*time.Second + d.upTo(8*time.Second)
			if d.n(4) == 0 {
				c.LossPolicy = session.OnDisconnect
			}
		})
	}
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	var work sync.WaitGroup
	for _, p := range processes {
		for range 1 + d.n(3) {
			work.Go(func() { worker(ctx, r, d, k, p) })
		}
	}
	end := time.Now().Add(5 * time.Minute)
	for time.Now().Before(end) {
		time.Sleep(d.upTo(3 * time.Second))
		w.disturb(d, k, processes[d.n(len(processes))], force)
	}
	calm.Store(true)
	w.srv.Thaw()
	for _, p := range processes {
		p.link.Heal()
		p.link.Refuse(false)
		p.link.Delay(0)
	}
	time.Sleep(time.Minute)
	stop()
	work.Wait()
	for _, p := range processes {
		g, err := k.acquire(w.Context(), d, p, true)
		require.NoError(w, err)
		require.NoError(w, g.Release())
	}
	time.Sleep(30 * time.Second)
	require.Empty(w, k.nodes(w), "nothing is left")
	require.Zero(w, w.srv.Watches())
	require.Greater(w, len(r.won), 10)
	r.checkTokens()
}

// worker acquires, holds and releases at random.
func worker(ctx context.Context, r *referee, d *dice, k kind, p *process) {
	for ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, d.upTo(20*time.Second))
		g, err := k.acquire(wait, d, p, false)
		switch {
		case err == nil:
			g.use(ctx, r, d)
		case errors.Is(err, lock.ErrHeld), wait.Err() != nil:
		default:
			r.t.Errorf("acquire: %v", err)
		}
		cancel()
		pause(ctx, d.upTo(time.Second))
	}
}

// use holds for a while and releases; one that may be downgraded may go on as
// a reader.
func (g grasp) use(ctx context.Context, r *referee, d *dice) {
	r.begin(g)
	pause(g.Context(), d.upTo(3*time.Second))
	if d.n(3) == 0 {
		pause(ctx, d.upTo(time.Second)) // does not listen to the end of the hold
	}
	if g.downgrade != nil && d.n(2) == 0 {
		within, cancel := context.WithTimeout(ctx, d.upTo(5*time.Second))
		defer cancel()
		h, err := g.downgrade(within)
		switch {
		case err == nil && h.Token() != g.Token():
			r.t.Errorf("token %d became %d", g.Token(), h.Token())
		case err == nil:
			grasp{Hold: h, shared: true, downgraded: true}.use(ctx, r, d)
		case !errors.Is(err, session.ErrLost) && within.Err() == nil:
			r.t.Errorf("downgrade: %v", err)
		}
	}
	if err := g.Release(); err != nil && !errors.Is(err, session.ErrLost) {
		r.t.Errorf("release: %v", err)
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
func (w *world) disturb(d *dice, k kind, p *process, force bool) {
	ways := []zktest.Direction{zktest.ToServer, zktest.ToClient, zktest.Both}
	var id int64
	if sessions := w.srv.Sessions(); len(sessions) > 0 {
		id = sessions[d.n(len(sessions))].ID
	}
	kinds := 11
	if force {
		kinds += 3
	}
	switch d.n(kinds) {
	case 0, 1:
		p.link.Cut(ways[d.n(3)])
	case 2, 3, 4:
		p.link.Heal()
		p.link.Refuse(false)
	case 5:
		p.link.Disconnect()
	case 6:
		p.link.Refuse(true)
		p.link.Disconnect()
	case 7:
		w.srv.Freeze()
		time.Sleep(d.upTo(4 * time.Second))
		w.srv.Thaw()
	case 8:
		w.srv.Lag(id)
		time.Sleep(d.upTo(time.Second))
		w.srv.CatchUp(id)
	case 9:
		p.link.Delay(d.upTo(300 * time.Millisecond))
	case 10:
		w.srv.Restart()
	case 11, 12:
		w.srv.Expire(id)
	case 13:
		if nodes := k.nodes(w); len(nodes) > 0 {
			_ = w.srv.Remove(nodes[d.n(len(nodes))]) // it may have gone by itself
		}
	}
	synctest.Wait()
}
