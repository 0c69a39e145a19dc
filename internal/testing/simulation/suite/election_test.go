package suite_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/session"
)

// elections makes candidates run and campaign, and operators request transfers.
// Some candidates share an id, and some processes have two candidates. With
// guarded, terms have guards.
func elections(guarded bool, opts ...election.Option) simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		court := w.Court("/a/election")
		held := simulation.Of
		if guarded {
			held = simulation.Guarded
		}
		dice := w.Dice("candidates")
		for i, p := range w.Procs() {
			for j := range 1 + dice.N(2) {
				e := election.New(p.Manager, "/a/election", append(opts, election.ID(fmt.Sprint("c", (2*i+j)%ids)))...)
				w.Go(p, fmt.Sprint("candidate", j), func(a *simulation.Actor) {
					for a.Going() {
						candidacy(a, e, court, held)
						a.Sleep(a.Ctx, time.Second)
					}
				})
			}
			if guarded && i < 2 {
				e := election.New(p.Manager, "/a/election", opts...)
				w.Go(p, "operator", func(a *simulation.Actor) {
					for a.Going() {
						transfer(a, e)
						a.Sleep(a.Ctx, 10*time.Second)
					}
				})
			}
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

// ids is how many ids the candidates have.
const ids = 6

// candidacy campaigns or runs for a while.
func candidacy(a *simulation.Actor, e *election.Election, court *simulation.Court, held func(*session.Hold) simulation.Held) {
	ctx, cancel := a.Within(40 * time.Second)
	defer cancel()
	if a.One(2) {
		err := e.Run(ctx, func(ctx context.Context, t *election.Term) error {
			a.Step()
			h := court.Begin(a, held(&t.Hold))
			defer court.Working(h)()
			court.Use(a, h, 4*time.Second) // whether the leader is asked to resign or not
			return nil
		})
		if ctx.Err() == nil {
			a.World.Break("errors", "run: %v", err)
		}
		return
	}
	t, err := e.Campaign(ctx)
	if !fine(a, ctx, "campaign", err) {
		return
	}
	h := court.Begin(a, held(&t.Hold))
	if a.One(2) { // leads until it is asked to resign
		timer := time.NewTimer(a.UpTo(10 * time.Second))
		defer timer.Stop()
		select {
		case <-t.Transferred():
		case <-t.Done():
		case <-timer.C:
		}
		a.Step()
	}
	court.Use(a, h, 4*time.Second)
	let(a, "resign", t.Resign())
}

// transfer names a leader at random.
func transfer(a *simulation.Actor, e *election.Election) {
	ctx, cancel := a.Within(15 * time.Second)
	defer cancel()
	end, _ := ctx.Deadline()
	err := e.Transfer(ctx, fmt.Sprint("c", a.N(ids)))
	if late := time.Since(end); late > 0 {
		a.World.Break("ends", "a transfer returns %v after the end of its context", late)
	}
	fine(a, ctx, "transfer", err, election.ErrNoCandidate, election.ErrTransferSuperseded, election.ErrInterrupted)
}

func TestElectionSimulation(t *testing.T)       { simulation.Run(t, seeds, elections(true)) }
func TestElectionForcedSimulation(t *testing.T) { simulation.Run(t, seeds, forced(elections(true))) }
func TestLeaderSelectorSimulation(t *testing.T) {
	simulation.Run(t, seeds, elections(true, election.Layout(election.LeaderSelector)))
}
func TestOneNodeSimulation(t *testing.T) {
	simulation.Run(t, seeds, elections(false, election.Layout(election.OneNode)))
}
