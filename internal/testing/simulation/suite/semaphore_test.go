package suite_test

import (
	"testing"
	"time"

	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// takers take some of the permits of a semaphore, and give them back.
type takers struct {
	*simulation.World
	court    *simulation.Court
	leases   *leases
	limit    lock.Limit
	maxLimit int // the greatest limit of the run
}

func newTakers(w *simulation.World, limit lock.Limit, maxLimit int) *takers {
	t := &takers{w, w.Court("/a/semaphore"), observeLeases(w, maxLimit), limit, maxLimit}
	t.court.Limit = maxLimit
	for _, p := range w.Procs() {
		for i := range 1 + w.Dice("actors").N(3) {
			w.Go(p, string(rune('a'+i)), t.run)
		}
	}
	return t
}

func (t *takers) semaphore(a *simulation.Actor) *lock.Semaphore {
	return lock.NewSemaphore(a.Manager, "/a/semaphore", t.limit)
}

func (t *takers) begin(a *simulation.Actor, p *lock.Permit) *simulation.Held {
	t.leases.admit(p)
	return t.court.Begin(a, simulation.Held{Hold: p, Nodes: p.Paths(), Weight: p.N(), Shared: true})
}

func (t *takers) run(a *simulation.Actor) {
	for a.Going() {
		ctx, cancel := a.Within(20 * time.Second)
		take := t.semaphore(a).Acquire
		if a.One(5) {
			take = t.semaphore(a).TryAcquire
		}
		permit, err := take(ctx, 1+a.N(t.maxLimit))
		if fine(a, ctx, "acquire", err, lock.ErrNoPermits, lock.ErrTooManyPermits) {
			t.court.Use(a, t.begin(a, permit), 3*time.Second)
			let(a, "release", permit.Release())
		}
		cancel()
		a.Sleep(a.Ctx, time.Second)
	}
}

// last makes every process take n permits once more after the faults.
func (t *takers) last(n int) {
	for _, p := range t.Procs() {
		t.Go(p, "last", func(a *simulation.Actor) {
			if permit := t.take(a, n); permit != nil {
				a.Step()
				let(a, "release", permit.Release())
			}
		})
	}
}

// take takes n permits that have to be free. It returns nil if they are not.
func (t *takers) take(a *simulation.Actor, n int) *lock.Permit {
	permit, err := t.semaphore(a).Acquire(t.Within(10*time.Minute), n)
	if err != nil {
		t.Break("comes free", "%d permits, while all are free: %v", n, err)
		return nil
	}
	t.begin(a, permit)
	return permit
}

func (t *takers) progress() {
	if t.court.Begun() <= len(t.Procs()) {
		t.Break("progress", "no process held a permit during the faults")
	}
}

func semaphores() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		limit := 1 + w.Dice("limit").N(4)
		t := newTakers(w, lock.Permits(limit), limit)
		w.AtEnd(func() {
			t.last(limit)
			w.Wait()
			t.progress()
		})
	}, Keeps: []string{simulation.GuardedDir}}
}

// resized is a program whose semaphore changes its number of permits all the
// time. In the end the number falls while both permits are held and others
// wait. A waiter uses the number at the time of its turn.
func resized() simulation.Program {
	const node, permits = "/limit", 3
	return simulation.Program{Setup: func(w *simulation.World) {
		t := newTakers(w, lock.SharedLimit(node, permits), permits)
		w.Go(w.Procs()[0], "resize", func(a *simulation.Actor) {
			for a.Going() {
				ctx, cancel := a.Within(20 * time.Second)
				fine(a, ctx, "resize", t.semaphore(a).Resize(ctx, 1+a.N(permits)), session.ErrUnknownOutcome)
				cancel()
				a.Sleep(a.Ctx, 5*time.Second)
			}
		})
		w.AtEnd(func() {
			w.Go(w.Procs()[0], "first", func(a *simulation.Actor) {
				resize := func(n int) {
					fine(a, w.Context(), "resize after the faults", t.semaphore(a).Resize(w.Context(), n))
				}
				resize(2)
				one, other := t.take(a, 1), t.take(a, 1)
				if one == nil || other == nil {
					return
				}
				t.last(1)
				time.Sleep(time.Minute)
				resize(1)
				t.court.Limit = 1
				let(a, "release", one.Release())
				time.Sleep(time.Minute)
				let(a, "release", other.Release())
			})
			w.Wait()
			t.progress()
		})
	}, Keeps: []string{simulation.GuardedDir, node}, Watches: 1} // a watch of the limit ends when that changes
}

func TestSemaphoreSimulation(t *testing.T)              { simulation.Run(t, seeds, semaphores()) }
func TestSemaphoreForcedSimulation(t *testing.T)        { simulation.Run(t, seeds, forced(semaphores())) }
func TestSemaphoreResizedSimulation(t *testing.T)       { simulation.Run(t, seeds, resized()) }
func TestSemaphoreResizedForcedSimulation(t *testing.T) { simulation.Run(t, seeds, forced(resized())) }
