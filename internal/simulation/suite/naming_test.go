package suite_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// registries registers instances and watches them. After the faults, every
// watcher sees exactly the registered instances.
func registries() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		services := make([]*naming.Service, len(w.Procs()))
		var registered atomic.Int32
		w.Put("/services", "")
		for i, p := range w.Procs() {
			r := naming.NewRegistry(p.Manager, naming.Base("/services"))
			s, err := r.Open(w.Context(), "orders", naming.ProtectEmpty(0))
			if err != nil {
				w.Fatal(err)
			}
			services[i] = s
			w.Go(p, "instance", func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(20 * time.Second)
					in := naming.Instance{Service: "orders", ID: fmt.Sprint("i", p.Index), Address: "10.0.0.1", Port: 1 + a.N(9)}
					g, err := r.Register(ctx, in)
					if fine(a, ctx, "register", err, session.ErrIDTaken) {
						registered.Add(1)
						a.Sleep(ctx, 15*time.Second)
						fine(a, w.Context(), "unregister", g.Unregister(w.Within(10*time.Minute)))
					}
					cancel()
					a.Sleep(a.Ctx, 3*time.Second)
				}
			})
		}
		w.AtEnd(func() {
			r := naming.NewRegistry(w.Procs()[0].Manager, naming.Base("/services"))
			g, err := r.Register(w.Within(time.Minute), naming.Instance{Service: "orders", ID: "last", Address: "10.0.0.2", Port: 80})
			if err != nil {
				w.Break("errors", "register after the faults: %v", err)
				return
			}
			time.Sleep(5 * time.Minute)
			for i, s := range services {
				if in := s.Load(); len(in) != 1 || in[0].ID != "last" || s.Stale() {
					w.Break("converges", "process %d sees %d instances (stale: %v) instead of one", i, len(in), s.Stale())
				}
				s.Close()
			}
			if err := g.Unregister(w.Within(time.Minute)); err != nil {
				w.Break("errors", "unregister after the faults: %v", err)
			}
			if registered.Load() == 0 {
				w.Break("progress", "nothing was registered")
			}
		})
	}, Forced: true, Keeps: []string{"/services"}, Watches: -1}
}

func TestNamingSimulation(t *testing.T) { simulation.Run(t, seeds, registries()) }

// workers takes worker ids. No two processes have the same id at a time.
func workers() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		const most = 4
		courts := make([]*simulation.Court, most)
		for i := range courts {
			courts[i] = w.Court(fmt.Sprint("/a/workers/", i))
		}
		for _, p := range w.Procs() {
			ids := naming.NewWorkers(p.Manager, "/a/workers", most)
			w.Go(p, "worker", func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(20 * time.Second)
					name := ""
					if a.One(2) {
						name = fmt.Sprint("p", p.Index)
					}
					id, err := ids.Acquire(ctx, name)
					if fine(a, ctx, "acquire an id", err, naming.ErrNoWorkerID, session.ErrUnknownOutcome, session.ErrLost) {
						court := courts[id.ID()]
						court.Use(a, court.Begin(a, simulation.Of(&id.Hold)), 5*time.Second)
						let(a, "release an id", id.Release())
					}
					cancel()
					a.Sleep(a.Ctx, time.Second)
				}
			})
		}
		w.AtEnd(func() {
			begun := 0
			for _, c := range courts {
				begun += c.Begun()
			}
			if begun == 0 {
				w.Break("progress", "no process got an id")
			}
		})
	}, Keeps: []string{simulation.GuardedDir, "/a/workers"}}
}

func TestWorkerIDSimulation(t *testing.T) { simulation.Run(t, seeds, workers()) }

// names requests names. No name is given twice, and each is greater than all
// names known at its request.
func names() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		var mu sync.Mutex
		given, greatest := make(map[string]bool), ""
		for _, p := range w.Procs() {
			n := naming.NewNames(p.Manager, "/a/names", "order-")
			w.Go(p, "asks", func(a *simulation.Actor) {
				for a.Going() {
					mu.Lock()
					known := greatest
					mu.Unlock()
					ctx, cancel := a.Within(10 * time.Second)
					name, err := n.Next(ctx)
					cancel()
					if fine(a, ctx, "next", err) {
						mu.Lock()
						switch {
						case given[name]:
							w.Break("given once", "%s is given twice", name)
						case name <= known:
							w.Break("names grow", "%s was known when %s was asked for", known, name)
						}
						given[name], greatest = true, max(greatest, name)
						mu.Unlock()
					}
					a.Sleep(a.Ctx, time.Second)
				}
			})
		}
		w.AtEnd(func() {
			if len(given) == 0 {
				w.Break("progress", "no name was given")
			}
		})
	}, Forced: true, Keeps: []string{"/a/names"}}
}

func TestNamesSimulation(t *testing.T) { simulation.Run(t, seeds, names()) }
