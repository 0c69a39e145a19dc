package suite_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// registries registers, updates and unregisters instances, and watches them. No
// watcher shows an empty service once there was an instance. After the faults,
// every watcher sees exactly the registered instances, with their newest data,
// and no znode of another is left.
func registries() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		codec := []naming.Codec{naming.Curator(), naming.Spring(), naming.Dubbo()}[w.Seed%3]
		registry := func(p *simulation.Process) *naming.Registry {
			return naming.NewRegistry(p.Manager, naming.Base("/services"), naming.Layout(codec))
		}
		dir, err := codec.Dir("/services", "orders")
		require.NoError(w, err)
		services := make([]*naming.Service, len(w.Procs()))
		owners := make([]*registrant, len(w.Procs()))
		watching, stop := context.WithCancel(w.Context())
		var watchers sync.WaitGroup
		w.Put("/services", "")
		for i, p := range w.Procs() {
			opts := []naming.OpenOption{naming.ProtectEmpty(time.Hour)}
			if i == 0 && w.Seed%5 == 0 { // a file is slow: every write is synced
				opts = append(opts, naming.CacheFile(filepath.Join(w.TempDir(), "orders")))
			}
			s, err := registry(p).Open(w.Context(), "orders", opts...)
			require.NoError(w, err)
			services[i] = s
			watchers.Go(func() { neverEmptied(w, watching, s) })
			o := &registrant{r: registry(p), named: !codec.InName(), held: make(map[string]*naming.Registration)}
			owners[i] = o
			w.Go(p, "instance", func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(20 * time.Second)
					o.step(a, ctx)
					cancel()
					a.Sleep(a.Ctx, 4*time.Second)
				}
			})
		}
		w.AtEnd(func() {
			defer watchers.Wait()
			defer stop()
			var want []string
			registered := 0
			for _, o := range owners {
				want = append(want, o.settle(w)...)
				registered += o.registered
			}
			last, err := registry(w.Procs()[0]).Register(w.Within(time.Minute), naming.Instance{Service: "orders", ID: "last", Address: "last", Port: 80})
			if err != nil {
				w.Break("errors", "register after the faults: %v", err)
				return
			}
			want = append(want, describe(last.Instance()))
			slices.Sort(want)
			time.Sleep(5 * time.Minute) // the last instance ends the protection of all others
			for i, s := range services {
				var seen []string
				for in := range s.View().All() {
					seen = append(seen, describe(in))
				}
				slices.Sort(seen)
				if v := s.View(); v.Stale || v.Protected || len(v.Problems) > 0 || !slices.Equal(seen, want) {
					w.Break("converges", "process %d sees %v (stale: %v, protected: %v, problems: %v) instead of %v", i, seen, v.Stale, v.Protected, v.Problems, want)
				}
				s.Close()
			}
			if names := w.Children(dir); len(names) != len(want) {
				w.Break("nothing is left", "%v is left of the instances %v", names, want)
			}
			for _, o := range owners {
				unregister(w, slices.Collect(maps.Values(o.held))...)
			}
			unregister(w, last)
			if registered == 0 {
				w.Break("progress", "nothing was registered")
			}
		})
	}, Forced: true, Keeps: []string{"/services"}, Watches: -1}
}

// neverEmptied follows a service, whose instances are protected for longer than
// the run lasts.
func neverEmptied(w *simulation.World, ctx context.Context, s *naming.Service) {
	some := false
	for change, err := range s.Changes(ctx) {
		switch {
		case err != nil:
			w.Break("errors", "a watcher reports: %v", err)
		case some && change.Len() == 0:
			w.Break("never empty", "a watcher shows an empty service")
		}
		some = some || change.Len() > 0
	}
}

// registrant registers the instances of one process.
type registrant struct {
	r     *naming.Registry
	named bool // the codec takes the id from the Instance

	held       map[string]*naming.Registration
	retired    []*naming.Registration
	registered int
	addresses  int
}

// step registers, updates or unregisters one instance.
func (o *registrant) step(a *simulation.Actor, ctx context.Context) {
	id := fmt.Sprint("i", a.Index, "-", a.N(3))
	o.addresses++
	in := naming.Instance{Service: "orders", ID: id, Address: fmt.Sprint("h", a.Index, "-", o.addresses), Port: 80}
	g := o.held[id]
	switch {
	case g == nil:
		if o.named && a.One(3) {
			in.Type = naming.DynamicSequential
		}
		g, err := o.r.Register(ctx, in)
		if fine(a, ctx, "register", err, session.ErrIDTaken) {
			o.registered++
			o.held[id] = g
		}
	case a.One(3):
		delete(o.held, id)
		o.retired = append(o.retired, g)
		fine(a, ctx, "unregister", g.Unregister(ctx)) // it goes on in the background
	default:
		in.Type = g.Instance().Type
		if a.One(2) { // the update is written later, and Instance has it
			var cancel context.CancelFunc
			ctx, cancel = a.Within(5 * time.Millisecond)
			defer cancel()
		}
		if fine(a, ctx, "update", g.Update(ctx, in), session.ErrIDTaken) && g.Instance().Address != in.Address {
			a.World.Break("updates count", "the instance has %s instead of %s", g.Instance().Address, in.Address)
		}
	}
}

// unregister unregisters instances after the faults.
func unregister(w *simulation.World, all ...*naming.Registration) {
	for _, g := range all {
		if err := g.Unregister(w.Within(10 * time.Minute)); err != nil {
			w.Break("errors", "unregister after the faults: %v", err)
		}
	}
}

// settle waits until the instances are out that were unregistered, and in that
// were not. It returns the latter.
func (o *registrant) settle(w *simulation.World) (want []string) {
	unregister(w, o.retired...)
	for id, g := range o.held {
		w.Eventually(func() bool { return g.State().In }, "%s is in", id)
		want = append(want, describe(g.Instance()))
	}
	return want
}

// describe leaves out most of an id of Dubbo's, which is a URL.
func describe(in naming.Instance) string { return fmt.Sprintf("%.20s=%s", in.ID, in.Address) }

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
