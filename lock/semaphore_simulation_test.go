package lock_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Random programs of several processes share a semaphore under random faults.
// At any instant, the leases of permits that were given must not be more than
// the limit. Without force, no more permits may live than that, and no permit
// may live when the server deletes its lease.

func TestSimulationOfSemaphore(t *testing.T)          { simulateSemaphores(t, false) }
func TestSimulationOfSemaphoreWithForce(t *testing.T) { simulateSemaphores(t, true) }

func simulateSemaphores(t *testing.T, force bool) {
	for _, seed := range simulation.Seeds(t, testworld.Sized(3, 10)) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) { simulateSemaphore(w, seed, force) }, zktest.WithTick(time.Second))
		})
	}
}

// usher keeps the permits and checks the promises.
type usher struct {
	t     *testing.T
	force bool
	limit int // the greatest that ever was

	mu       sync.Mutex
	standing map[string]int64        // lease → zxid of its create
	owners   map[string]*lock.Permit // of leases that were given
	floors   map[int64]int64         // zxid of a create → the greatest token given by then
	tokens   map[int64]bool          // all that were given
	greatest int64                   // of them
	given    int
}

// admit is told of permits by the goroutine that has acquired them.
func (u *usher) admit(p *lock.Permit) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var last int64
	var mine []string
	for _, path := range p.Paths() {
		if zxid, stands := u.standing[path]; stands {
			last = max(last, zxid)
			mine = append(mine, path)
			u.owners[path] = p
		}
	}
	if len(mine) < p.N() || p.Err() != nil {
		for _, path := range mine {
			delete(u.owners, path)
		}
		return // lost as it was won
	}
	u.given++
	if p.Token() < last {
		u.t.Errorf("token %d of a lease made by %d", p.Token(), last)
	}
	if u.tokens[p.Token()] {
		u.t.Errorf("token %d twice", p.Token())
	}
	if floor := u.floors[last]; p.Token() <= floor {
		u.t.Errorf("token %d, and %d had been given when its last lease was made", p.Token(), floor)
	}
	if u.limit == 1 && p.Token() <= u.greatest {
		u.t.Errorf("token %d after %d", p.Token(), u.greatest)
	}
	u.tokens[p.Token()] = true
	u.greatest = max(u.greatest, p.Token())
	if len(u.owners) > u.limit {
		u.t.Errorf("%d leases stand that were given; there are %d permits", len(u.owners), u.limit)
	}
	live := 0
	for _, owner := range u.owners {
		if owner.Err() == nil {
			live++
		}
	}
	if live > u.limit {
		u.t.Errorf("%d permits live of %d", live, u.limit)
	}
}

// The server calls changed, before any client can know.
func (u *usher) changed(c zktest.Change) {
	if !strings.Contains(c.Path, "-lease-") {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch c.Kind {
	case zktest.Created:
		u.standing[c.Path] = c.Zxid
		u.floors[c.Zxid] = u.greatest
	case zktest.Deleted:
		delete(u.standing, c.Path)
		if p := u.owners[c.Path]; p != nil && p.Err() == nil && !u.force {
			u.t.Errorf("the lease of a permit that lives was deleted: %s", c.Path)
		}
		delete(u.owners, c.Path)
	}
}

func simulateSemaphore(w *world, seed uint64, force bool) {
	d := &dice{r: rand.New(rand.NewPCG(seed, 2))}
	u := &usher{
		t: w.T, force: force, limit: 1 + d.n(4),
		standing: make(map[string]int64), owners: make(map[string]*lock.Permit),
		floors: make(map[int64]int64), tokens: make(map[int64]bool),
	}
	limit := lock.Permits(u.limit)
	resizes := d.n(2) == 0
	if resizes {
		limit = lock.SharedLimit("/limit", u.limit)
	}
	w.srv.OnChange(u.changed)
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
	processes := make([]*process, 2+d.n(3))
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
		s := lock.NewSemaphore(p.Manager, pool, limit)
		for range 1 + d.n(3) {
			work.Go(func() { guest(ctx, u, d, s) })
		}
		if resizes {
			work.Go(func() {
				for ctx.Err() == nil {
					within, cancel := context.WithTimeout(ctx, time.Minute)
					_ = s.Resize(within, 1+d.n(u.limit)) // some fail, for want of a server
					cancel()
					pause(ctx, d.upTo(20*time.Second))
				}
			})
		}
	}
	nodes := kind{nodes: func(w *world) []string {
		var paths []string
		for _, path := range w.srv.Paths() {
			if strings.Contains(path, "/_c_") {
				paths = append(paths, path)
			}
		}
		return paths
	}}
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		time.Sleep(d.upTo(3 * time.Second))
		w.disturb(d, nodes, processes[d.n(len(processes))], force)
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
		held, err := lock.NewSemaphore(p.Manager, pool, limit).Acquire(w.Context(), 1)
		require.NoError(w, err)
		require.NoError(w, held.Release())
	}
	time.Sleep(30 * time.Second)
	require.Empty(w, nodes.nodes(w), "nothing is left")
	require.Greater(w, u.given, 10)
}

// guest acquires, holds and releases at random.
func guest(ctx context.Context, u *usher, d *dice, s *lock.Semaphore) {
	for ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, d.upTo(20*time.Second))
		acquire := s.Acquire
		if d.n(3) == 0 {
			acquire = s.TryAcquire
		}
		p, err := acquire(wait, 1+d.n(u.limit))
		switch {
		case err == nil:
			u.admit(p)
			pause(p.Context(), d.upTo(3*time.Second))
			if d.n(3) == 0 {
				pause(ctx, d.upTo(time.Second)) // does not listen to the end of its permit
			}
			if err := p.Release(); err != nil && !errors.Is(err, session.ErrLost) {
				u.t.Errorf("release: %v", err)
			}
		case errors.Is(err, lock.ErrNoPermits), errors.Is(err, lock.ErrTooManyPermits), wait.Err() != nil:
		default:
			u.t.Errorf("acquire: %v", err)
		}
		cancel()
		pause(ctx, d.upTo(time.Second))
	}
}
