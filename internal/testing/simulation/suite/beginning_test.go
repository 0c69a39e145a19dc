package suite_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// beginnings are things that one process makes, directory included, while
// another process begins to watch for them. The watcher returns when it has
// seen them. It must not miss them, whichever process is first.
var beginnings = map[string]struct {
	watch func(ctx context.Context, sm *session.Manager) error
	make  func(ctx context.Context, sm *session.Manager) error
}{
	"a member of a group": {
		func(ctx context.Context, sm *session.Manager) error {
			for c, err := range groupmembership.NewGroup(sm, "/b/group").Changes(ctx) {
				if err != nil || c.Len() > 0 {
					return err
				}
			}
			return context.Cause(ctx)
		},
		func(ctx context.Context, sm *session.Manager) error {
			_, err := groupmembership.NewGroup(sm, "/b/group").Join(ctx, "ann", nil)
			return err
		},
	},
	"an instance of a service": {
		func(ctx context.Context, sm *session.Manager) error {
			s, err := naming.NewRegistry(sm).Open(ctx, "orders")
			if err != nil {
				return err
			}
			defer s.Close()
			for c, err := range s.Changes(ctx) {
				if err != nil || c.View.Len() > 0 {
					return err
				}
			}
			return context.Cause(ctx)
		},
		func(ctx context.Context, sm *session.Manager) error {
			_, err := naming.NewRegistry(sm).Register(ctx, naming.Instance{Service: "orders", ID: "o1", Address: "h1", Port: 80})
			return err
		},
	},
	"a config key": {
		func(ctx context.Context, sm *session.Manager) error {
			v, err := config.Open(ctx, sm, "/b/config/key", config.Text(), config.Wait[string]())
			if err != nil {
				return err
			}
			return v.Close()
		},
		func(ctx context.Context, sm *session.Manager) error {
			_, err := config.NewStore(sm, "/b/config").Put(ctx, "/key", []byte("x"))
			return err
		},
	},
	"a tree of keys": {
		func(ctx context.Context, sm *session.Manager) error {
			t, err := config.OpenTree(ctx, sm, "/b/tree", config.Text())
			if err != nil {
				return err
			}
			for s, err := range t.Changes(ctx) {
				if err != nil || s.Lookup("a/b/c") != nil {
					return err
				}
			}
			return context.Cause(ctx)
		},
		func(ctx context.Context, sm *session.Manager) error {
			_, err := config.NewStore(sm, "/b/tree").Put(ctx, "/a/b/c", []byte("x"))
			return err
		},
	},
	"a leader": {
		func(ctx context.Context, sm *session.Manager) error {
			for l, err := range election.New(sm, "/b/election").Changes(ctx) {
				if err != nil || l.ID != "" {
					return err
				}
			}
			return context.Cause(ctx)
		},
		func(ctx context.Context, sm *session.Manager) error {
			_, err := election.New(sm, "/b/election", election.ID("ann")).Campaign(ctx)
			return err
		},
	},
	"an item of a queue": {
		func(ctx context.Context, sm *session.Manager) error {
			item, err := queue.New(sm, "/b/queue").Take(ctx)
			if err != nil {
				return err
			}
			return item.Ack()
		},
		func(ctx context.Context, sm *session.Manager) error {
			_, err := queue.New(sm, "/b/queue").Put(ctx, []byte("x"))
			return err
		},
	},
	"the other of two": {
		func(ctx context.Context, sm *session.Manager) error { return meet(ctx, sm, "ann") },
		func(ctx context.Context, sm *session.Manager) error { return meet(ctx, sm, "ben") },
	},
	"a counter": {
		func(ctx context.Context, sm *session.Manager) error {
			for v, err := range counter.New(sm, "/b/counter").Changes(ctx) {
				if err != nil || v.N == 7 {
					return err
				}
			}
			return context.Cause(ctx)
		},
		func(ctx context.Context, sm *session.Manager) error {
			_, err := counter.New(sm, "/b/counter").Add(ctx, 7)
			return err
		},
	},
}

func meet(ctx context.Context, sm *session.Manager, id string) error {
	v, err := barrier.NewDouble(sm, "/b/barrier", 2, barrier.ID(id)).Enter(ctx)
	if err != nil {
		return err
	}
	return v.Leave(ctx)
}

func TestBeginnings(t *testing.T) {
	for name, b := range beginnings {
		t.Run(name, func(t *testing.T) {
			for _, seed := range simulation.Seeds(t, 5*seeds) {
				testworld.Run(t, func(w *testworld.World) {
					dice := rand.New(rand.NewPCG(seed, 1))
					one, other := w.Process(), w.Process()
					for i, p := range []*testworld.Process{one, other} {
						if seed%4 > 0 {
							p.Link.Jitter(time.Duration(1+dice.IntN(5))*time.Millisecond, seed+uint64(i))
						}
					}
					ctx := w.Within(time.Minute)
					done := make(chan error, 2)
					go func() { done <- b.watch(ctx, one.Manager) }()
					time.Sleep(time.Duration(dice.IntN(3)) * time.Millisecond)
					go func() { done <- b.make(ctx, other.Manager) }()
					for range cap(done) {
						if err := <-done; err != nil {
							t.Fatal(fmt.Errorf("seed %d: %w", seed, err))
						}
					}
				})
			}
		})
	}
}
