package suite_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// restores runs on servers that are restored from backups while sessions live.
// Two processes may hold the same lock then, and tokens are not compared. But
// whatever came back is removed: in the end every lock comes free, and no
// session has a znode.
func restores() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		type locker func(p *simulation.Process, ctx context.Context) (release func() error, err error)
		lockers := []locker{
			func(p *simulation.Process, ctx context.Context) (func() error, error) {
				h, err := lock.NewMutex(p.Manager, "/a/lock").Lock(ctx)
				if err != nil {
					return nil, err
				}
				return h.Release, nil
			},
			func(p *simulation.Process, ctx context.Context) (func() error, error) {
				h, err := lock.NewOneNode(p.Manager, "/a/node").Lock(ctx)
				if err != nil {
					return nil, err
				}
				return h.Release, nil
			},
		}
		for _, p := range w.Procs() {
			w.Go(p, "locker", func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(20 * time.Second)
					release, err := lockers[a.N(len(lockers))](p, ctx)
					if fine(a, ctx, "lock", err) {
						a.Sleep(ctx, 3*time.Second)
						let(a, "release", release())
					}
					cancel()
					a.Sleep(a.Ctx, time.Second)
				}
			})
			w.Go(p, "member", func(a *simulation.Actor) {
				g := groupmembership.NewGroup(p.Manager, "/a/group")
				for a.Going() {
					ctx, cancel := a.Within(20 * time.Second)
					m, err := g.Join(ctx, fmt.Sprint("m", p.Index), nil)
					if fine(a, ctx, "join", err, session.ErrIDTaken) {
						a.Sleep(ctx, 5*time.Second)
						fine(a, context.Background(), "leave", m.Leave(context.Background()))
					}
					cancel()
					a.Sleep(a.Ctx, 3*time.Second)
				}
			})
		}
		w.AtEnd(func() {
			for _, get := range lockers {
				release, err := get(w.Procs()[0], w.Within(time.Minute))
				if err != nil {
					w.Break("comes free", "without a holder: %v", err)
					return
				}
				if err := release(); err != nil {
					w.Break("errors", "release after the faults: %v", err)
				}
			}
		})
	}, Forced: true, Restores: true, Watches: -1}
}

func TestRestoredSimulation(t *testing.T) { simulation.Run(t, seeds, restores()) }
