package suite_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/simulation"
)

// elections makes candidates run and campaign, and operators request transfers.
// With guarded, terms have guards.
func elections(guarded bool, opts ...election.Option) simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		court := w.Court("/a/election")
		held := simulation.Of
		if guarded {
			held = simulation.Guarded
		}
		for i, p := range w.Procs() {
			e := election.New(p.Manager, "/a/election", append(opts, election.ID(fmt.Sprint("c", i)))...)
			w.Go(p, "candidate", func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(40 * time.Second)
					if a.One(2) {
						t, err := e.Campaign(ctx)
						if fine(a, ctx, "campaign", err) {
							court.Use(a, court.Begin(a, held(&t.Hold)), 4*time.Second)
							let(a, "resign", t.Resign())
						}
					} else {
						err := e.Run(ctx, func(ctx context.Context, t *election.Term) error {
							a.Step()
							h := court.Begin(a, held(&t.Hold))
							defer court.Working(h)()
							court.Use(a, h, 4*time.Second)
							return nil
						})
						if ctx.Err() == nil {
							w.Break("errors", "run: %v", err)
						}
					}
					cancel()
					a.Sleep(a.Ctx, time.Second)
				}
			})
			if !guarded || i > 1 {
				continue
			}
			w.Go(p, "operator", func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(15 * time.Second)
					err := e.Transfer(ctx, fmt.Sprint("c", a.N(len(w.Procs()))))
					fine(a, ctx, "transfer", err, election.ErrNoCandidate, election.ErrTransferSuperseded, election.ErrTransferTimeout, election.ErrInterrupted)
					cancel()
					a.Sleep(a.Ctx, 10*time.Second)
				}
			})
		}
		w.AtEnd(func() {
			for _, p := range w.Procs() {
				w.Go(p, "last", func(a *simulation.Actor) {
					e := election.New(p.Manager, "/a/election", append(opts, election.ID(a.Name))...)
					t, err := e.Campaign(w.Within(10 * time.Minute))
					if err != nil {
						w.Break("comes free", "the leadership, without a leader: %v", err)
						return
					}
					court.Begin(a, held(&t.Hold))
					a.Step()
					if err := t.Resign(); err != nil {
						w.Break("errors", "resign: %v", errors.Unwrap(err))
					}
				})
			}
			w.Wait()
			if court.Begun() <= len(w.Procs()) {
				w.Break("progress", "no candidate led during the faults")
			}
		})
	}, Keeps: []string{simulation.GuardedDir}, Watches: 1}
}

func TestElectionSimulation(t *testing.T)       { simulation.Run(t, seeds, elections(true)) }
func TestElectionForcedSimulation(t *testing.T) { simulation.Run(t, seeds, forced(elections(true))) }
func TestLeaderSelectorSimulation(t *testing.T) {
	simulation.Run(t, seeds, elections(true, election.Layout(election.LeaderSelector)))
}
func TestOneNodeSimulation(t *testing.T) {
	simulation.Run(t, seeds, elections(false, election.Layout(election.OneNode)))
}
