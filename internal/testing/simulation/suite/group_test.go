package suite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/session"
)

// groups makes members join and leave. In the end all watchers agree on the
// members.
func groups() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		var mu sync.Mutex
		seen := make(map[int][]groupmembership.Member) // by process
		joined := 0
		watching, stop := context.WithCancel(w.Context())
		var watchers sync.WaitGroup
		for _, p := range w.Procs() {
			g := groupmembership.NewGroup(p.Manager, "/a/group")
			w.Go(p, "member", func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(20 * time.Second)
					m, err := g.Join(ctx, fmt.Sprint("m", p.Index), []byte(a.Name))
					if fine(a, ctx, "join", err, session.ErrIDTaken) {
						mu.Lock()
						joined++
						mu.Unlock()
						a.Sleep(ctx, 15*time.Second)
						fine(a, context.Background(), "leave", m.Leave(context.Background()))
					}
					cancel()
					a.Sleep(a.Ctx, 3*time.Second)
				}
			})
			watchers.Go(func() {
				last := make(map[string]int64)
				for c, err := range g.Changes(watching) {
					if err != nil {
						continue // reported once each time the group becomes unreadable
					}
					for m := range c.Members() {
						if m.Token < last[m.ID] {
							w.Break("nothing goes back", "member %s goes from token %d to %d", m.ID, last[m.ID], m.Token)
						}
						last[m.ID] = m.Token
					}
					mu.Lock()
					seen[p.Index] = slices.Collect(c.Members())
					mu.Unlock()
				}
			})
		}
		w.AtEnd(func() {
			p := w.Procs()[0]
			m, err := groupmembership.NewGroup(p.Manager, "/a/group").Join(w.Within(time.Minute), "last", nil)
			if err != nil {
				w.Break("errors", "join after the faults: %v", err)
			} else {
				time.Sleep(5 * time.Minute)
				mu.Lock()
				for i, members := range seen {
					if len(members) != 1 || members[0].ID != "last" {
						w.Break("converges", "process %d sees %d members instead of one", i, len(members))
					}
				}
				mu.Unlock()
				if err := m.Leave(context.Background()); err != nil {
					w.Break("errors", "leave after the faults: %v", err)
				}
			}
			stop()
			watchers.Wait()
			if joined == 0 {
				w.Break("progress", "no member joined")
			}
		})
	}, Forced: true, Watches: -1}
}

// partitioners divides partitions among members that join and leave. No member
// works on another's partition. After the faults, each partition has an owner.
func partitioners() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		n := 1 + w.Dice("partitions").N(12)
		courts := make([]*simulation.Court, n)
		for i := range courts {
			courts[i] = w.Court(fmt.Sprint("/a/partitions/claims/", i))
		}
		restless, rest := context.WithCancel(w.Context())
		lasting, stop := context.WithCancel(w.Context())
		run := func(a *simulation.Actor, ctx context.Context) error {
			var turn sync.Mutex // an actor is for one goroutine, but each partition has its own
			turns := 0
			err := groupmembership.NewPartitioner(a.Manager, "/a/partitions", n).Run(ctx, fmt.Sprint("m", a.Index),
				func(ctx context.Context, part *groupmembership.Partition) error {
					turn.Lock()
					turns++
					worker := a.Fork(fmt.Sprint(part.Number, "/", turns))
					turn.Unlock()
					h := courts[part.Number].Begin(worker, simulation.Of(&part.Hold))
					defer courts[part.Number].Working(h)()
					for ctx.Err() == nil {
						courts[part.Number].Use(worker, h, 4*time.Second) // Use ignores ctx
					}
					return nil
				})
			if ctx.Err() == nil && !errors.Is(err, session.ErrIDTaken) || errors.Is(err, session.ErrLost) {
				w.Break("errors", "run: %v", err)
			}
			return err
		}
		for _, p := range w.Procs() {
			w.Go(p, "member", func(a *simulation.Actor) {
				for a.Step(); restless.Err() == nil; {
					ctx, cancel := context.WithTimeout(restless, a.UpTo(40*time.Second))
					_ = run(a, ctx) // run checks the error
					cancel()
					a.Sleep(restless, 3*time.Second)
				}
				_ = run(a, lasting)
			})
		}
		w.BeforeEnd(func() {
			rest()
			time.Sleep(5 * time.Minute)
			owners, err := groupmembership.NewPartitioner(w.Procs()[0].Manager, "/a/partitions", n).Owners(w.Within(time.Minute))
			if err != nil {
				w.Break("errors", "list the owners: %v", err)
			}
			share := make(map[string]int)
			for _, o := range owners {
				if o.ID == "" {
					w.Break("converges", "partition %d has no owner after the faults", o.Number)
				}
				share[o.ID]++
			}
			for id, k := range share {
				if most := (n + len(w.Procs()) - 1) / len(w.Procs()); k > most {
					w.Break("converges", "member %s has %d of %d partitions instead of at most %d", id, k, n, most)
				}
			}
			stop()
		})
	}, Keeps: []string{simulation.GuardedDir, "/a/partitions/claims"}, Watches: -1}
}

func TestGroupSimulation(t *testing.T)       { simulation.Run(t, seeds, groups()) }
func TestPartitionerSimulation(t *testing.T) { simulation.Run(t, seeds, partitioners()) }
