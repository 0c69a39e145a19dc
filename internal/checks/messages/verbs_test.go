package messages_test

import (
	"context"
	"iter"
	"os"
	"time"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// verb is a call of a method, on a recipe at a path.
type verb func(ctx context.Context, sm *session.Manager, path string) error

// verbs are the calls that send requests, by the method.
var verbs = map[string]verb{
	"Mutex.Lock": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewMutex(sm, p).Lock(ctx))
	},
	"Mutex.TryLock": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewMutex(sm, p).TryLock(ctx))
	},
	"Mutex.Holders": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewMutex(sm, p).Holders(ctx))
	},
	"Mutex.Revoke": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewMutex(sm, p).Revoke(ctx))
	},
	"RWMutex.RLock": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewRWMutex(sm, p).RLock(ctx))
	},
	"RWMutex.Lock": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewRWMutex(sm, p).Lock(ctx))
	},
	"OneNode.Lock": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewOneNode(sm, p).Lock(ctx))
	},
	"OneNode.TryLock": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewOneNode(sm, p).TryLock(ctx))
	},
	"Multi.Lock": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewMulti(lock.NewMutex(sm, p), lock.NewOneNode(sm, "/other")).Lock(ctx))
	},
	"Once.Start": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewOnce(sm, p, time.Hour).Start(ctx))
	},
	"Once.Last": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewOnce(sm, p, time.Hour).Last(ctx))
	},
	"Semaphore.Acquire": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewSemaphore(sm, p, lock.Permits(2)).Acquire(ctx, 2))
	},
	"Semaphore.TryAcquire": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(lock.NewSemaphore(sm, p, lock.SharedLimit("/limit", 2)).TryAcquire(ctx, 1))
	},
	"Semaphore.Resize": func(ctx context.Context, sm *session.Manager, p string) error {
		return lock.NewSemaphore(sm, "/semaphore", lock.SharedLimit(p, 2)).Resize(ctx, 3)
	},
	"lock.Revoke": lock.Revoke,

	"Election.Campaign": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(election.New(sm, p).Campaign(ctx))
	},
	"Election.Leader": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(election.New(sm, p).Leader(ctx))
	},
	"Election.Participants": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(election.New(sm, p).Participants(ctx))
	},
	"Election.Transfer": func(ctx context.Context, sm *session.Manager, p string) error {
		return election.New(sm, p).Transfer(ctx, "b")
	},
	"Election.Changes": func(ctx context.Context, sm *session.Manager, p string) error {
		return first(election.New(sm, p).Changes(ctx))
	},
	"Election.Run": func(ctx context.Context, sm *session.Manager, p string) error {
		return election.New(sm, p).Run(ctx, func(ctx context.Context, _ *election.Term) error { <-ctx.Done(); return context.Cause(ctx) })
	},
	"OneNode Election.Campaign": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(election.New(sm, p, election.Layout(election.OneNode)).Campaign(ctx))
	},

	"config.Open": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(config.Open(ctx, sm, p, config.JSON[int]()))
	},
	"config.Open with Wait": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(config.Open(ctx, sm, p, config.JSON[int](), config.Wait[int]()))
	},
	"config.OpenTree": func(ctx context.Context, sm *session.Manager, p string) error {
		tree, err := config.OpenTree(ctx, sm, p, config.Text())
		if err != nil {
			return err
		}
		return tree.Close()
	},
	"SyncFile": syncFile,
	"Store.Get": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(config.NewStore(sm, p).Get(ctx, "a"))
	},
	"Store.Set": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(config.NewStore(sm, p).Set(ctx, "a", nil, 0))
	},
	"Store.Create": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(config.NewStore(sm, p).Create(ctx, "a", nil))
	},
	"Store.Put": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(config.NewStore(sm, p).Put(ctx, "a", nil))
	},
	"Store.Delete": func(ctx context.Context, sm *session.Manager, p string) error {
		return config.NewStore(sm, p).Delete(ctx, "a", 0)
	},
	"Store.Publish": func(ctx context.Context, sm *session.Manager, p string) error {
		return config.NewStore(sm, p).Publish(ctx, config.SetKey("a", nil, 0))
	},
	"History.Put": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(config.NewStore(sm, p).History(2).Put(ctx, "a", nil))
	},
	"History.List": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(config.NewStore(sm, p).History(2).List(ctx, "a"))
	},
	"History.Rollback": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(config.NewStore(sm, p).History(2).Rollback(ctx, "a", 1))
	},

	"Registry.Register": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(naming.NewRegistry(sm, naming.Base(p)).Register(ctx, naming.Instance{Service: "s", ID: "i", Address: "h", Port: 1}))
	},
	"Registry.Services": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(naming.NewRegistry(sm, naming.Base(p)).Services(ctx))
	},
	"Registry.SetDraining": func(ctx context.Context, sm *session.Manager, p string) error {
		return naming.NewRegistry(sm, naming.Base(p)).SetDraining(ctx, "s", "i", true)
	},
	"Registry.Open": func(ctx context.Context, sm *session.Manager, p string) error {
		s, err := naming.NewRegistry(sm, naming.Base(p)).Open(ctx, "s")
		if err != nil {
			return err
		}
		return s.Close()
	},
	"Names.Next": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(naming.NewNames(sm, p, "n-").Next(ctx))
	},
	"Workers.Acquire": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(naming.NewWorkers(sm, p, 2).Acquire(ctx, "a"))
	},

	"Group.Join": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(groupmembership.NewGroup(sm, p).Join(ctx, "a", nil))
	},
	"Group.Members": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(groupmembership.NewGroup(sm, p).Members(ctx))
	},
	"Group.Changes": func(ctx context.Context, sm *session.Manager, p string) error {
		return first(groupmembership.NewGroup(sm, p).Changes(ctx))
	},
	"Partitioner.Owners": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(groupmembership.NewPartitioner(sm, p, 2).Owners(ctx))
	},
	"Partitioner.Run": func(ctx context.Context, sm *session.Manager, p string) error {
		return groupmembership.NewPartitioner(sm, p, 2).Run(ctx, "a", func(ctx context.Context, _ *groupmembership.Partition) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
	},

	"Barrier.Set":  func(ctx context.Context, sm *session.Manager, p string) error { return barrier.New(sm, p).Set(ctx) },
	"Barrier.Lift": func(ctx context.Context, sm *session.Manager, p string) error { return barrier.New(sm, p).Lift(ctx) },
	"Barrier.Wait": func(ctx context.Context, sm *session.Manager, p string) error { return barrier.New(sm, p).Wait(ctx) },
	"Barrier.IsSet": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(barrier.New(sm, p).IsSet(ctx))
	},
	"Double.Enter": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(barrier.NewDouble(sm, p, 2).Enter(ctx))
	},
	"Double.Members": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(barrier.NewDouble(sm, p, 2).Members(ctx))
	},
	"Double.Do": func(ctx context.Context, sm *session.Manager, p string) error {
		return barrier.NewDouble(sm, p, 1).Do(ctx, func(ctx context.Context, _ *barrier.Visit) error { <-ctx.Done(); return context.Cause(ctx) })
	},

	"Queue.Put": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(queue.New(sm, p).Put(ctx, nil))
	},
	"Queue.TryPut": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(queue.New(sm, p, queue.Limit(1)).TryPut(ctx, nil))
	},
	"Queue.PutBatch": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(queue.New(sm, p).PutBatch(ctx, queue.Msg{}))
	},
	"Queue.Take": func(ctx context.Context, sm *session.Manager, p string) error { return of(queue.New(sm, p).Take(ctx)) },
	"Queue.TryTake": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(queue.New(sm, p).TryTake(ctx))
	},
	"Queue.Consume": func(ctx context.Context, sm *session.Manager, p string) error {
		return queue.New(sm, p).Consume(ctx, func(context.Context, *queue.Item) error { return nil })
	},
	"Queue.Len": func(ctx context.Context, sm *session.Manager, p string) error { return of(queue.New(sm, p).Len(ctx)) },
	"Queue.Status": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(queue.New(sm, p).Status(ctx))
	},
	"Queue.List": func(ctx context.Context, sm *session.Manager, p string) error {
		return first(queue.New(sm, p).List(ctx))
	},
	"Queue.Dead": func(ctx context.Context, sm *session.Manager, p string) error {
		return first(queue.New(sm, p).Dead(ctx))
	},
	"Queue.Redrive": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(queue.New(sm, p).Redrive(ctx))
	},
	"Queue.Discard": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(queue.New(sm, p).Discard(ctx, "x"))
	},

	"Counter.Get": func(ctx context.Context, sm *session.Manager, p string) error { return of(counter.New(sm, p).Get(ctx)) },
	"Counter.Add": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(counter.New(sm, p).Add(ctx, 1))
	},
	"Counter.Set": func(ctx context.Context, sm *session.Manager, p string) error { return counter.New(sm, p).Set(ctx, 1) },
	"Counter.CompareAndSet": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(counter.New(sm, p).CompareAndSet(ctx, 0, 1))
	},
	"Counter.Changes": func(ctx context.Context, sm *session.Manager, p string) error {
		return first(counter.New(sm, p).Changes(ctx))
	},
	"Sequence.Next": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(counter.NewSequence(sm, p).Next(ctx))
	},

	"inspect.Read": func(ctx context.Context, sm *session.Manager, p string) error { return of(inspect.Read(ctx, sm, p)) },
	"inspect.Deadlocks": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(inspect.Deadlocks(ctx, sm, p))
	},
	"inspect.RemoveAbandoned": inspect.RemoveAbandoned,
	"inspect.Changes": func(ctx context.Context, sm *session.Manager, p string) error {
		return first(inspect.Changes(ctx, sm, p))
	},

	"Manager.Get": func(ctx context.Context, sm *session.Manager, p string) error {
		_, _, err := sm.Get(ctx, p)
		return err
	},
	"Manager.Txn": func(ctx context.Context, sm *session.Manager, p string) error {
		return of(sm.Txn(ctx, session.CheckOp(p, 0)))
	},
}

func of[T any](_ T, err error) error { return err }

// first returns the first error of a loop.
func first[T any](changes iter.Seq2[T, error]) error {
	for _, err := range changes {
		if err != nil {
			return err
		}
	}
	return nil
}

func syncFile(ctx context.Context, sm *session.Manager, path string) error {
	dir, err := os.MkdirTemp("", "messages")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return config.SyncFile(ctx, sm, path, dir+"/f")
}
