package security

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// keeping are the recipes that keep data, and recipes whose nodes are listed.
var keeping = []recipe{
	{
		name: "config store",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			store := config.NewStore(sm, path)
			if _, err := store.Put(ctx, "limits", []byte(`1`)); err != nil {
				return err
			}
			if err := store.Publish(ctx, config.CreateKey("b", nil), config.SetKey("limits", []byte(`2`), session.AnyVersion)); err != nil {
				return err
			}
			during()
			return firstOf(store.Delete(ctx, "b", session.AnyVersion), store.Delete(ctx, "limits", session.AnyVersion))
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := config.NewStore(sm, path).Get(ctx, "limits")
			return err
		},
	},
	{
		name: "config value",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			v, err := config.Open(ctx, sm, path+"/limits", config.Text(), config.Default("none"))
			if err != nil {
				return err
			}
			defer v.Close()
			if _, err := v.Update(ctx, func(s string) (string, error) { return s + "+", nil }); err != nil {
				return err
			}
			during()
			return nil
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			v, err := config.Open(ctx, sm, path+"/limits", config.Text())
			if err != nil {
				return err
			}
			return v.Close()
		},
		leaves: true,
	},
	{
		name: "config tree",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			if _, err := config.NewStore(sm, path).Create(ctx, "a", []byte("x")); err != nil {
				return err
			}
			during()
			return config.NewStore(sm, path).Delete(ctx, "a", session.AnyVersion)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			tree, err := config.OpenTree(ctx, sm, path, config.Text())
			if err != nil {
				return err
			}
			return tree.Close()
		},
	},
	{
		name: "config history",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			history := config.NewStore(sm, path).History(2)
			for i := range 5 { // the oldest are deleted
				if _, err := history.Put(ctx, "limits", fmt.Append(nil, i)); err != nil {
					return err
				}
			}
			during()
			past, err := history.List(ctx, "limits")
			if err != nil {
				return err
			}
			if len(past) == 0 {
				return errors.New("the history is empty")
			}
			_, err = history.Rollback(ctx, "limits", past[len(past)-1].ID)
			return err
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := config.NewStore(sm, path).History(2).List(ctx, "limits")
			return err
		},
	},
	registered("naming"),
	registered("naming, as Spring", naming.Layout(naming.Spring())),
	{
		name: "group",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			m, err := groupmembership.NewGroup(sm, path).Join(ctx, "host-7", []byte("load 1"))
			if err != nil {
				return err
			}
			if err := m.UpdatePayload(ctx, []byte("load 2")); err != nil {
				return firstOf(err, m.Leave(context.Background()))
			}
			during()
			return m.Leave(context.Background())
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := groupmembership.NewGroup(sm, path).Members(ctx)
			return err
		},
	},
	{
		name: "partitioner",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			err := groupmembership.NewPartitioner(sm, path, 1).Run(ctx, "host-7", func(context.Context, *groupmembership.Partition) error {
				during()
				cancel()
				return nil
			})
			if errors.Is(err, context.Canceled) && !errors.Is(err, session.ErrNoAuth) {
				return nil
			}
			return err
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := groupmembership.NewPartitioner(sm, path, 1).Owners(ctx)
			return err
		},
	},
	queued("queue"),
	queued("queue with dead letters", queue.DeadLetters("/dead"), queue.MaxAttempts(3)),
	{
		name: "counter",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			c := counter.New(sm, path)
			if _, err := c.Add(ctx, 7); err != nil {
				return err
			}
			during()
			return c.Set(ctx, 0)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := counter.New(sm, path).Get(ctx)
			return err
		},
		leaves: true,
	},
	{
		name: "sequence",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			s := counter.NewSequence(sm, path, counter.Block(10))
			defer s.Close()
			if _, err := s.Next(ctx); err != nil {
				return err
			}
			during()
			return nil
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := counter.New(sm, path).Get(ctx)
			return err
		},
		leaves: true,
	},
	{
		name: "worker id",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			id, err := naming.NewWorkers(sm, path, 16).Acquire(ctx, "host-7")
			return held(id, err, during)
		},
	},
	{
		name: "unique names",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			_, err := naming.NewNames(sm, path, "job-").Next(ctx)
			if err == nil {
				during()
			}
			return err
		},
		leaves: true,
	},
}

// registered registers an instance of a service in one of the layouts.
func registered(name string, opts ...naming.Option) recipe {
	at := func(path string) []naming.Option { return append([]naming.Option{naming.Base(path)}, opts...) }
	return recipe{
		name: name,
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			g, err := naming.NewRegistry(sm, at(path)...).Register(ctx, naming.Instance{Service: "web", ID: "w1", Address: "10.0.0.7", Port: 80})
			if err != nil {
				return err
			}
			if err := g.Drain(ctx); err != nil {
				return firstOf(err, g.Unregister(ctx))
			}
			during()
			return g.Unregister(ctx)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			s, err := naming.NewRegistry(sm, at(path)...).Open(ctx, "web")
			if err != nil {
				return err
			}
			s.Close()
			return nil
		},
	}
}

// queued takes one item of a queue.
func queued(name string, opts ...queue.Option) recipe {
	return recipe{
		name: name,
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			q := queue.New(sm, path, opts...)
			if _, err := q.Put(ctx, []byte("work")); err != nil {
				return err
			}
			item, err := q.Take(ctx)
			if err != nil {
				return err
			}
			during()
			return item.Ack()
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			for _, err := range queue.New(sm, path, opts...).List(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}
