package suite_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// recalls is a program of processes that take a lock in bursts. Each process
// keeps its Mutex, so that a quiet lock is acquired on the fast path. Another
// client deletes the directory whenever it is empty, so that numbers begin
// again.
func recalls() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		court := w.Court(path)
		for _, p := range w.Procs() {
			m := lock.NewMutex(p.Manager, path)
			burst := func(a *simulation.Actor) {
				for a.Going() {
					for range 1 + a.N(8) {
						ctx, cancel := a.Within(20 * time.Second)
						take := m.Lock
						if a.One(4) {
							take = m.TryLock
						}
						t, err := ofLock(take(ctx))
						if fine(a, ctx, "lock", err, lock.ErrHeld) {
							court.Use(a, court.Begin(a, t.held), 50*time.Millisecond)
							let(a, "release", t.release())
						}
						cancel()
					}
					a.Sleep(a.Ctx, 10*time.Second)
				}
			}
			w.Go(p, "a", burst)
			if w.Dice("actors").One(2) {
				w.Go(p, "b", burst)
			}
		}
		w.Go(w.Procs()[0], "cleaner", func(a *simulation.Actor) {
			for a.Going() {
				a.Sleep(a.Ctx, 5*time.Second)
				ctx, cancel := a.Within(10 * time.Second)
				err := a.Manager.Delete(ctx, path, session.AnyVersion)
				cancel()
				for _, expected := range []error{session.ErrNotEmpty, session.ErrNoNode, session.ErrUnknownOutcome, context.Canceled, context.DeadlineExceeded} {
					if errors.Is(err, expected) {
						err = nil
					}
				}
				if err != nil {
					w.Break("errors", "delete the directory: %v", err)
				}
			}
		})
	}, Keeps: []string{simulation.GuardedDir}}
}

func TestRecallSimulation(t *testing.T)       { simulation.Run(t, seeds, recalls()) }
func TestRecallForcedSimulation(t *testing.T) { simulation.Run(t, seeds, forced(recalls())) }
