package suite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// rounds is the expected state of a double barrier: the waiting members, and
// the members inside.
type rounds struct {
	w     *simulation.World
	count int

	mu     sync.Mutex
	nodes  map[string]bool
	begun  map[int64]bool             // by token
	inside map[int64][]*barrier.Visit // by token
	done   int
}

func (r *rounds) changed(c zktest.Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, below := strings.CutPrefix(c.Path, "/double/")
	switch {
	case !below:
	case name == "ready" && c.Kind == zktest.Created:
		var data struct{ Members []string }
		if err := json.Unmarshal(c.Data, &data); err != nil || len(data.Members) != r.count {
			r.w.Break("nobody enters early", "a round of %d begins with %d members", r.count, len(data.Members))
		}
		for _, m := range data.Members {
			if !r.nodes[m] {
				r.w.Break("nobody enters early", "a round begins with a member without a node")
			}
		}
		r.begun[c.Zxid] = true
	case c.Kind == zktest.Created:
		r.nodes[name] = true
	case c.Kind == zktest.Deleted:
		delete(r.nodes, name)
	}
}

func (r *rounds) entered(v *barrier.Visit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.begun[v.Token()] {
		r.w.Break("nobody enters early", "a member comes in without a round (token %d)", v.Token())
	}
	r.inside[v.Token()] = append(r.inside[v.Token()], v)
	if n := len(r.inside[v.Token()]); n > r.count {
		r.w.Break("nobody enters early", "%d members enter a barrier for %d", n, r.count)
	}
	for token, visits := range r.inside {
		for _, other := range visits {
			if token < v.Token() && other.Err() == nil && !r.w.Forced {
				r.w.Break("one round", "round %d begins while a member of round %d is inside", v.Token(), token)
			}
		}
	}
}

func (r *rounds) leaves(v *barrier.Visit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inside[v.Token()] = slices.DeleteFunc(r.inside[v.Token()], func(other *barrier.Visit) bool { return other == v })
}

func (r *rounds) left(v *barrier.Visit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, other := range r.inside[v.Token()] {
		if other.Err() == nil && !r.w.Forced {
			r.w.Break("nobody leaves early", "a member comes out while another is inside")
		}
	}
	r.done++
}

// doubles has members of processes go in and out of a double barrier, round
// after round: as many as it is for, and sometimes one more. Some have ids.
func doubles() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		dice := w.Dice("members")
		r := &rounds{w: w, count: 2 + dice.N(4), nodes: make(map[string]bool), begun: make(map[int64]bool), inside: make(map[int64][]*barrier.Visit)}
		w.Srv.OnChange(r.changed)
		procs := w.Procs()[:1+dice.N(len(w.Procs()))]
		for i := range r.count + dice.N(2)*dice.N(2) {
			p := procs[i%len(procs)]
			var opts []barrier.Option
			if dice.One(2) {
				opts = append(opts, barrier.ID(strconv.Itoa(i)))
			}
			double := barrier.NewDouble(p.Manager, "/double", r.count, opts...)
			w.Go(p, fmt.Sprint("member", i), func(a *simulation.Actor) {
				for a.Going() {
					r.visit(a, double)
				}
			})
		}
		w.BeforeEnd(func() {
			r.mu.Lock()
			before := r.done
			r.mu.Unlock()
			time.Sleep(time.Minute)
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.done <= before+r.count {
				w.Break("progress", "no more rounds after the faults: %d, %d before", r.done, before)
			}
		})
		w.AtEnd(func() {
			for i := range r.count {
				p := procs[i%len(procs)]
				double := barrier.NewDouble(p.Manager, "/double", r.count)
				w.Go(p, fmt.Sprint("last", i), func(*simulation.Actor) {
					ctx := w.Within(10 * time.Minute)
					if err := double.Do(ctx, func(context.Context, *barrier.Visit) error { return nil }); err != nil {
						w.Break("comes free", "the last round: %v", err)
					}
				})
			}
			w.Wait()
			if nodes := w.Children("/double"); len(nodes) > 0 {
				w.Break("nothing is left", "after the last round: %v", nodes)
			}
		})
	}, Keeps: []string{"/double"}, Watches: -1, Lasts: 40 * time.Second}
}

// visit goes in and out once.
func (r *rounds) visit(a *simulation.Actor, double *barrier.Double) {
	ctx, cancel := context.WithTimeout(a.Ctx, 5*time.Second+a.UpTo(40*time.Second))
	defer cancel()
	v, err := double.Enter(ctx)
	if !fine(a, ctx, "enter", err, barrier.ErrFull, session.ErrIDTaken) {
		a.Sleep(a.Ctx, time.Second)
		return
	}
	r.entered(v)
	a.Sleep(v.Context(), time.Second)
	r.leaves(v)
	if a.One(20) { // without waiting for the others
		let(a, "release", v.Release())
		return
	}
	if fine(a, ctx, "leave", v.Leave(ctx), session.ErrLost) {
		r.left(v)
	}
}

// barriers sets and lifts a gate, and waits at it. No waiter passes while the
// gate is known to be closed; all pass once it is open.
func barriers() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		var mu sync.Mutex
		open := true       // the node is missing
		var last time.Time // when the node was missing last
		w.Srv.OnChange(func(c zktest.Change) {
			mu.Lock()
			defer mu.Unlock()
			if c.Path == "/gate" {
				open = c.Kind == zktest.Deleted
				last = c.Time
			}
		})
		for _, p := range w.Procs() {
			b := barrier.New(p.Manager, "/gate")
			if p.Index == 0 {
				w.Go(p, "keeper", func(a *simulation.Actor) {
					for a.Going() {
						ctx, cancel := a.Within(20 * time.Second)
						fine(a, ctx, "set", b.Set(ctx), session.ErrUnknownOutcome)
						a.Sleep(a.Ctx, 5*time.Second)
						fine(a, ctx, "lift", b.Lift(ctx), session.ErrUnknownOutcome)
						cancel()
						a.Sleep(a.Ctx, 2*time.Second)
					}
				})
				continue
			}
			w.Go(p, "waiter", func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(30 * time.Second)
					began := time.Now()
					err := b.Wait(ctx)
					mu.Lock()
					if err == nil && !open && last.Before(began) {
						w.Break("nobody enters early", "Wait returns, and the barrier was closed all the while")
					}
					mu.Unlock()
					fine(a, ctx, "wait", err)
					cancel()
					a.Sleep(a.Ctx, time.Second)
				}
			})
		}
		w.AtEnd(func() {
			if err := barrier.New(w.Procs()[0].Manager, "/gate").Lift(w.Within(time.Minute)); err != nil {
				w.Break("errors", "lift after the faults: %v", err)
			}
			for _, p := range w.Procs() {
				if err := barrier.New(p.Manager, "/gate").Wait(w.Within(time.Minute)); err != nil && !errors.Is(err, session.ErrClosed) {
					w.Break("comes free", "wait at an open barrier: %v", err)
				}
			}
		})
	}, Watches: -1}
}

func TestDoubleBarrierSimulation(t *testing.T) { simulation.Run(t, seeds, doubles()) }
func TestDoubleBarrierForcedSimulation(t *testing.T) {
	simulation.Run(t, seeds, forced(doubles()))
}
func TestBarrierSimulation(t *testing.T) { simulation.Run(t, seeds, barriers()) }
