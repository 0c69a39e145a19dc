package suite_test

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

	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The limit of a semaphore changes all the time, requests are slow and servers
// lag. The network has no faults. So when an Acquire returns, the test knows
// the earliest time at which the permit can have been given. It demands the
// greatest limit since that time, not merely the greatest limit ever.

func TestSemaphoreLimitSimulation(t *testing.T) {
	for _, seed := range simulation.Seeds(t, seeds) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) { simulateResizes(w, seed) }, zktest.Tick(time.Second))
		})
	}
}

// tosses is a source of randomness for many goroutines.
type tosses struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *tosses) n(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

func (d *tosses) upTo(t time.Duration) time.Duration { return time.Duration(d.n(int(t)) + 1) }

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// An answer takes up to hop. A permit is given by a state that is at most a
// second older than the request that gave it. A read of the lease and the
// departure from the wait queue may follow.
const (
	hop    = 20 * time.Millisecond
	recent = time.Second + 10*hop
)

// warden records the limits and counts the permits.
type warden struct {
	t    *testing.T
	seed uint64

	mu     sync.Mutex
	limits []limitSince
	stands map[string]bool // leases
	given  map[string]bool // leases of permits
	total  int
}

type limitSince struct {
	n  int
	at time.Time
}

// broken reports that a promise was broken, as simulation.World.Break does.
func (d *warden) broken(promise, format string, args ...any) {
	d.t.Errorf("promise broken: %s: %s (seed %d)", promise, fmt.Sprintf(format, args...), d.seed)
}

// between returns the minimum and the maximum limit between two instants.
func (d *warden) between(from, to time.Time) (least, most int) {
	least, most = -1, 0
	for i, l := range d.limits {
		if l.at.After(to) || i+1 < len(d.limits) && d.limits[i+1].at.Before(from) {
			continue
		}
		if least < 0 || l.n < least {
			least = l.n
		}
		most = max(most, l.n)
	}
	return least, most
}

// changed is called by the server, before any client can know of the change.
func (d *warden) changed(c zktest.Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case c.Path == "/limit" && len(c.Data) == 4:
		d.limits = append(d.limits, limitSince{int(c.Data[3]), c.Time})
	case !strings.Contains(c.Path, "-lease-"):
	case c.Kind == zktest.Created:
		d.stands[c.Path] = true
	case c.Kind == zktest.Deleted:
		delete(d.stands, c.Path)
		delete(d.given, c.Path)
	}
}

func (d *warden) admit(p *lock.Permit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, path := range p.Paths() {
		if !d.stands[path] {
			d.broken("permits", "%s is held without a node", path)
		}
		d.given[path] = true
	}
	d.total++
	now := time.Now()
	if _, most := d.between(now.Add(-recent), now); len(d.given) > most {
		d.broken("permits", "%d permits are held; the limit was at most %d in the last %v (%v)", len(d.given), most, recent, d.limits)
	}
}

// refused checks an ErrTooManyPermits for n permits that were requested at an
// instant.
func (d *warden) refused(n int, since time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if least, _ := d.between(since, time.Now()); n <= least {
		d.broken("errors", "%d permits are refused as too many, but the limit was never below %d in that time", n, least)
	}
}

func simulateResizes(w *testworld.World, seed uint64) {
	d := &tosses{r: rand.New(rand.NewPCG(seed, 3))}
	court := &warden{t: w.T, seed: seed, stands: make(map[string]bool), given: make(map[string]bool)}
	w.Srv.OnChange(court.changed)
	require.NoError(w, w.Srv.Put("/limit", []byte{0, 0, 0, 2}))
	var calm atomic.Bool
	w.Srv.Intercept(func(q zktest.Request) zktest.Action {
		leases := strings.HasPrefix(q.Path, "/pool/leases")
		switch {
		case calm.Load():
		case q.Op == zktest.OpGetChildren2 && leases, q.Op == zktest.OpGetData && q.Path == "/limit":
			if d.n(3) == 0 {
				w.Srv.Lag(q.Session)
			}
			if d.n(3) == 0 {
				return zktest.Delay(d.upTo(4 * time.Second))
			}
		case q.Op == zktest.OpCreate && leases && d.n(4) == 0:
			return zktest.Delay(d.upTo(4 * time.Second))
		}
		return zktest.Pass
	})
	start := func() *testworld.Process {
		p := w.Process()
		p.Link.Delay(d.upTo(hop))
		return p
	}
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	var work sync.WaitGroup
	for range 6 {
		s := lock.NewSemaphore(start().Manager, "/pool", lock.SharedLimit("/limit", 2))
		work.Go(func() { visitor(ctx, w.Context(), court, d, s) })
	}
	s := lock.NewSemaphore(start().Manager, "/pool", lock.SharedLimit("/limit", 2))
	work.Go(func() {
		for ctx.Err() == nil {
			if err := s.Resize(w.Context(), d.n(6)); err != nil {
				w.Errorf("resize: %v", err)
			}
			pause(ctx, d.upTo(3*time.Second))
		}
	})
	time.Sleep(4 * time.Minute)
	stop()
	calm.Store(true)
	time.Sleep(time.Minute)
	require.NoError(w, s.Resize(w.Context(), 5))
	work.Wait()
	held, err := s.Acquire(w.Context(), 4)
	require.NoError(w, err)
	require.NoError(w, held.Release())
	require.Greater(w, court.total, 20)
}

// visitor acquires, holds and releases at random, until going ends. Its calls
// outlast going: an abandoned call would leave requests that slow down the
// next.
func visitor(going, ctx context.Context, court *warden, d *tosses, s *lock.Semaphore) {
	for going.Err() == nil {
		acquire := s.Acquire
		if d.n(4) > 0 {
			acquire = s.TryAcquire
		}
		n, began := 1+d.n(3)/2, time.Now()
		p, err := acquire(ctx, n)
		switch {
		case err == nil:
			court.admit(p)
			pause(p.Context(), d.upTo(4*time.Second))
			if err := p.Release(); err != nil && !errors.Is(err, session.ErrLost) {
				court.broken("errors", "release: %v", err)
			}
		case errors.Is(err, lock.ErrTooManyPermits):
			court.refused(n, began)
		case errors.Is(err, lock.ErrNoPermits):
		default:
			court.broken("errors", "acquire: %v", err)
		}
		pause(going, d.upTo(time.Second))
	}
}
