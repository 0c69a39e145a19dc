package lock_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// TestSimulation runs random programs of several processes under random faults
// of the network and the server, in virtual time. No fault takes a node away
// that its session could still trust in, so at any instant at most one hold
// may live, and none may live when the server deletes its node.
func TestSimulation(t *testing.T) { simulateSeeds(t, false) }

// TestSimulationWithForce adds what no client can foresee: sessions ended by
// an administrator, and nodes deleted by strangers. Two may hold for a moment
// then; tokens must tell them apart all the same.
func TestSimulationWithForce(t *testing.T) { simulateSeeds(t, true) }

func simulateSeeds(t *testing.T, force bool) {
	seeds := 10
	if s := os.Getenv("DOCENT_SEEDS"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err, "DOCENT_SEEDS")
		seeds = n
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) { simulate(w, uint64(seed), force) }, zktest.WithTick(time.Second))
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

	mu    sync.Mutex
	made  map[string]int64   // path → zxid, of every contender
	holds map[string]*judged // by path
	token int64
	won   []won
}

// won is one acquisition: the zxid that made its node, and its token.
type won struct{ czxid, token int64 }

type judged struct {
	*lock.Hold
	ended atomic.Pointer[time.Time]
}

// begin is told of a hold by whoever has acquired it.
func (r *referee) begin(h *lock.Hold) {
	j := &judged{Hold: h}
	context.AfterFunc(h.Context(), func() {
		now := time.Now()
		j.ended.Store(&now)
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if h.Err() != nil {
		return // lost as it was won
	}
	r.won = append(r.won, won{r.made[h.Path()], h.Token()})
	for _, other := range r.holds {
		if other.Err() == nil && !r.force {
			r.t.Errorf("two hold: %s and %s", other.Path(), h.Path())
		}
	}
	if h.Token() <= r.token && !r.force {
		r.t.Errorf("token %d after %d", h.Token(), r.token)
	}
	r.token = h.Token()
	r.holds[h.Path()] = j
}

// created is told by the server, before any client can know.
func (r *referee) created(path string, zxid int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made[path] = zxid
}

// checkTokens demands that each token lies between the making of its node and
// that of the next one that came to hold: whatever the order in which holders
// write, a store can tell who was later.
func (r *referee) checkTokens() {
	slices.SortFunc(r.won, func(a, b won) int { return cmp.Compare(a.czxid, b.czxid) })
	for i, w := range r.won {
		require.GreaterOrEqual(r.t, w.token, w.czxid)
		if i > 0 {
			require.Greater(r.t, w.czxid, r.won[i-1].token)
		}
	}
}

// deleted is told by the server, before any client can know.
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

func simulate(w *world, seed uint64, force bool) {
	d := &dice{r: rand.New(rand.NewPCG(seed, 1))}
	r := &referee{t: w.T, force: force, made: make(map[string]int64), holds: make(map[string]*judged)}
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
			work.Go(func() { worker(ctx, r, d, p.mutex()) })
		}
	}
	end := time.Now().Add(5 * time.Minute)
	for time.Now().Before(end) {
		time.Sleep(d.upTo(3 * time.Second))
		w.disturb(d, processes[d.n(len(processes))], force)
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
		require.NoError(w, p.lock().Release())
	}
	time.Sleep(30 * time.Second)
	require.Empty(w, w.nodes(), "nothing is left")
	require.Zero(w, w.srv.Watches())
	require.Greater(w, len(r.won), 10)
	r.checkTokens()
}

// worker acquires, holds and releases at random.
func worker(ctx context.Context, r *referee, d *dice, m *lock.Mutex) {
	for ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, d.upTo(20*time.Second))
		acquire := m.Lock
		if d.n(3) == 0 {
			acquire = m.TryLock
		}
		h, err := acquire(wait)
		switch {
		case err == nil:
			r.begin(h)
			pause(h.Context(), d.upTo(3*time.Second))
			if d.n(3) == 0 {
				pause(ctx, d.upTo(time.Second)) // does not listen to the end of the hold
			}
			if err := h.Release(); err != nil && !errors.Is(err, session.ErrLost) {
				r.t.Errorf("release: %v", err)
			}
		case errors.Is(err, lock.ErrHeld), wait.Err() != nil:
		default:
			r.t.Errorf("acquire: %v", err)
		}
		cancel()
		pause(ctx, d.upTo(time.Second))
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// disturb does one thing to the server or to a process's network, or undoes all.
func (w *world) disturb(d *dice, p *process, force bool) {
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
		if nodes := w.nodes(); len(nodes) > 0 {
			_ = w.srv.Remove(dir + "/" + nodes[d.n(len(nodes))]) // it may have gone by itself
		}
	}
	synctest.Wait()
}
