package suite_test

import (
	"testing"
	"time"

	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

const permits = 3

// limitNode holds the limit that resized semaphores share.
const limitNode = "/limit"

// semaphores take some of the permits and give them back. In a program of
// resized ones their number changes all the while, and then falls to one.
func semaphores(resized bool) simulation.Program {
	program := simulation.Program{Keeps: []string{simulation.GuardedDir}}
	limit := lock.Permits(permits)
	if resized {
		limit = lock.SharedPermits(limitNode, permits)
		program.Keeps = append(program.Keeps, limitNode)
		program.Watches = 1 // on the limit, which fires when that changes
	}
	program.Setup = func(w *simulation.World) {
		court := w.Court("/a/semaphore")
		court.Limit = permits
		semaphore := func(a *simulation.Actor) *lock.Semaphore {
			return lock.NewSemaphore(a.Manager, "/a/semaphore", limit)
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
						if fine(a, ctx, "acquire", err, lock.ErrNoPermits, lock.ErrTooManyPermits) {
							court.Use(a, court.Begin(a, held(permit)), 3*time.Second)
							let(a, "release", permit.Release())
						}
						cancel()
						a.Sleep(a.Ctx, time.Second)
					}
				})
			}
		}
		if resized {
			w.Go(w.Procs()[0], "resize", func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(20 * time.Second)
					fine(a, ctx, "resize", semaphore(a).Resize(ctx, 1+a.N(permits)), session.ErrUnknownOutcome)
					cancel()
					a.Sleep(a.Ctx, 5*time.Second)
				}
			})
		}
		w.AtEnd(func() {
			most := permits
			if resized {
				most = 1
				if err := lock.NewSemaphore(w.Procs()[0].Manager, "/a/semaphore", limit).Resize(w.Within(time.Minute), most); err != nil {
					w.Break("errors", "resize when all is calm: %v", err)
				}
				court.Limit = most
			}
			for _, p := range w.Procs() {
				w.Go(p, "last", func(a *simulation.Actor) {
					permit, err := semaphore(a).Acquire(w.Within(10*time.Minute), most)
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
	}
	return program
}

func TestSemaphoreSimulation(t *testing.T)        { simulation.Run(t, seeds, semaphores(false)) }
func TestSemaphoreForcedSimulation(t *testing.T)  { simulation.Run(t, seeds, forced(semaphores(false))) }
func TestSemaphoreResizedSimulation(t *testing.T) { simulation.Run(t, seeds, semaphores(true)) }
