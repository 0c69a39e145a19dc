package ctxend_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

var errStopping = errors.New("the program is stopping")

// calls are verbs of all recipes that wait: for other sessions, or for an
// answer of a server that has stopped to answer.
var calls = map[string]func(ctx context.Context, p *testworld.Process) error{
	"barrier.Wait": func(ctx context.Context, p *testworld.Process) error {
		return barrier.New(p.Manager, "/set").Wait(ctx)
	},
	"barrier.Enter": func(ctx context.Context, p *testworld.Process) error {
		_, err := barrier.NewDouble(p.Manager, "/double", 2).Enter(ctx)
		return err
	},
	"config.Open, Wait": func(ctx context.Context, p *testworld.Process) error {
		_, err := config.Open(ctx, p.Manager, "/missing", config.Text(), config.Wait[string]())
		return err
	},
	"config.OpenTree, Wait": func(ctx context.Context, p *testworld.Process) error {
		_, err := config.OpenTree(ctx, p.Manager, "/missing", config.Text(), config.Wait[string]())
		return err
	},
	"config.Open": func(ctx context.Context, p *testworld.Process) error {
		_, err := config.Open(ctx, p.Manager, "/key", config.Text())
		return err
	},
	"config.OpenTree": func(ctx context.Context, p *testworld.Process) error {
		_, err := config.OpenTree(ctx, p.Manager, "/tree", config.Text())
		return err
	},
	"config.Get": func(ctx context.Context, p *testworld.Process) error {
		_, err := config.NewStore(p.Manager, "/").Get(ctx, "key")
		return err
	},
	"config.Publish": func(ctx context.Context, p *testworld.Process) error {
		return config.NewStore(p.Manager, "/").Publish(ctx, config.SetKey("key", nil, session.AnyVersion))
	},
	"counter.Add": func(ctx context.Context, p *testworld.Process) error {
		_, err := counter.New(p.Manager, "/n").Add(ctx, 1)
		return err
	},
	"counter.Next": func(ctx context.Context, p *testworld.Process) error {
		s := counter.NewSequence(p.Manager, "/n")
		_, err := s.Next(ctx)
		return err
	},
	"election.Campaign": func(ctx context.Context, p *testworld.Process) error {
		_, err := election.New(p.Manager, "/e").Campaign(ctx)
		return err
	},
	"election.Leader": func(ctx context.Context, p *testworld.Process) error {
		_, err := election.New(p.Manager, "/e").Leader(ctx)
		return err
	},
	"election.Transfer": func(ctx context.Context, p *testworld.Process) error {
		return election.New(p.Manager, "/e").Transfer(ctx, "ann")
	},
	"group.Join": func(ctx context.Context, p *testworld.Process) error {
		_, err := groupmembership.NewGroup(p.Manager, "/g").Join(ctx, "ann", nil)
		return err
	},
	"group.Members": func(ctx context.Context, p *testworld.Process) error {
		_, err := groupmembership.NewGroup(p.Manager, "/g").Members(ctx)
		return err
	},
	"group.Partitioner": func(ctx context.Context, p *testworld.Process) error {
		return groupmembership.NewPartitioner(p.Manager, "/p", 2).Run(ctx, "ann", func(context.Context, *groupmembership.Partition) error { return nil })
	},
	"lock.Lock": func(ctx context.Context, p *testworld.Process) error {
		_, err := lock.NewMutex(p.Manager, "/held").Lock(ctx)
		return err
	},
	"lock.OneNode": func(ctx context.Context, p *testworld.Process) error {
		_, err := lock.NewOneNode(p.Manager, "/one").Lock(ctx)
		return err
	},
	"lock.RLock": func(ctx context.Context, p *testworld.Process) error {
		_, err := lock.NewRWMutex(p.Manager, "/rw").RLock(ctx)
		return err
	},
	"lock.Semaphore": func(ctx context.Context, p *testworld.Process) error {
		_, err := lock.NewSemaphore(p.Manager, "/s", lock.Permits(1)).Acquire(ctx, 1)
		return err
	},
	"lock.Holders": func(ctx context.Context, p *testworld.Process) error {
		_, err := lock.NewMutex(p.Manager, "/held").Holders(ctx)
		return err
	},
	"naming.Register": func(ctx context.Context, p *testworld.Process) error {
		_, err := naming.NewRegistry(p.Manager).Register(ctx, naming.Instance{Service: "s", ID: "a", Address: "10.0.0.1", Port: 1})
		return err
	},
	"naming.Services": func(ctx context.Context, p *testworld.Process) error {
		_, err := naming.NewRegistry(p.Manager).Services(ctx)
		return err
	},
	"naming.Open": func(ctx context.Context, p *testworld.Process) error {
		_, err := naming.NewRegistry(p.Manager).Open(ctx, "s")
		return err
	},
	"naming.Workers": func(ctx context.Context, p *testworld.Process) error {
		_, err := naming.NewWorkers(p.Manager, "/w", 8).Acquire(ctx, "a")
		return err
	},
	"queue.Put": func(ctx context.Context, p *testworld.Process) error {
		_, err := queue.New(p.Manager, "/q").Put(ctx, nil)
		return err
	},
	"queue.Take": func(ctx context.Context, p *testworld.Process) error {
		_, err := queue.New(p.Manager, "/q").Take(ctx)
		return err
	},
	"queue.Consume": func(ctx context.Context, p *testworld.Process) error {
		return queue.New(p.Manager, "/q").Consume(ctx, func(context.Context, *queue.Item) error { return nil })
	},
	"session.Get": func(ctx context.Context, p *testworld.Process) error {
		_, _, err := p.Get(ctx, "/key")
		return err
	},
	"session.Create": func(ctx context.Context, p *testworld.Process) error {
		_, err := p.Create(ctx, "/made", nil, session.Persistent)
		return err
	},
}

// A call whose ctx ends says so, and why: its error matches ctx.Err() and
// context.Cause(ctx). It is the same whether a server answers or not.
func TestEveryVerbSaysWhyItsContextHasEnded(t *testing.T) {
	for name, call := range calls {
		for _, silent := range []bool{true, false} {
			if !silent && !waits[name] {
				continue
			}
			t.Run(name+map[bool]string{true: ", no answers", false: ""}[silent], func(t *testing.T) {
				testworld.Run(t, func(w *testworld.World) {
					w.Put("/set", "")
					w.Put("/key", "value")
					w.Put("/tree/a", "value")
					_, err := lock.NewMutex(w.Process().Manager, "/held").Lock(w.Context())
					require.NoError(t, err)
					p := w.Process()
					_, err = p.Session(w.Context())
					require.NoError(t, err)
					if silent {
						w.Srv.Freeze()
					}
					ctx, cancel := context.WithCancelCause(w.Context())
					time.AfterFunc(time.Second, func() { cancel(errStopping) })
					err = call(ctx, p)
					w.Srv.Thaw()
					require.ErrorIs(t, err, context.Canceled)
					require.ErrorIs(t, err, errStopping)
				})
			})
		}
	}
}

// waits are the calls that wait although a server answers.
var waits = map[string]bool{
	"barrier.Wait": true, "barrier.Enter": true, "config.Open, Wait": true, "config.OpenTree, Wait": true,
	"lock.Lock": true, "queue.Take": true, "queue.Consume": true, "group.Partitioner": true,
}
