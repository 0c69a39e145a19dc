package suite_test

import (
	"testing"
	"time"

	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/lock"
)

const permits = 3

func semaphores() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		court := w.Court("/a/semaphore")
		court.Limit = permits
		semaphore := func(a *simulation.Actor) *lock.Semaphore {
			return lock.NewSemaphore(a.Manager, "/a/semaphore", lock.Permits(permits))
		}
		held := func(p *lock.Permit) simulation.Held {
			return simulation.Held{Hold: p, Nodes: p.Paths(), Weight: p.N(), Shared: true}
		}
		for _, p := range w.Procs() {
			for i := range 1 + w.Dice("actors").N(3) {
				w.Go(p, string(rune('a'+i)), func(a *simulation.Actor) {
					for a.Going() {
						ctx, cancel := a.Within(20 * time.Second)
						take := semaphore(a).Acquire
						if a.One(5) {
							take = semaphore(a).TryAcquire
						}
						permit, err := take(ctx, 1+a.N(permits))
						if fine(a, ctx, "acquire", err, lock.ErrNoPermits) {
							court.Use(a, court.Begin(a, held(permit)), 3*time.Second)
							let(a, "release", permit.Release())
						}
						cancel()
						a.Sleep(a.Ctx, time.Second)
					}
				})
			}
		}
		w.AtEnd(func() {
			for _, p := range w.Procs() {
				w.Go(p, "last", func(a *simulation.Actor) {
					permit, err := semaphore(a).Acquire(w.Within(10*time.Minute), permits)
					if err != nil {
						w.Break("comes free", "all permits, when nobody holds any: %v", err)
						return
					}
					court.Begin(a, held(permit))
					a.Step()
					let(a, "release", permit.Release())
				})
			}
			w.Wait()
			if court.Begun() <= len(w.Procs()) {
				w.Break("progress", "nobody held a permit while there were faults")
			}
		})
	}, Keeps: []string{simulation.GuardedDir}}
}

func TestSemaphoreSimulation(t *testing.T)       { simulation.Run(t, seeds, semaphores()) }
func TestSemaphoreForcedSimulation(t *testing.T) { simulation.Run(t, seeds, forced(semaphores())) }
