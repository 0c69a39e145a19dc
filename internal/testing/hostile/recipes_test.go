package hostile_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/testing/hostile"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recipe uses a recipe below a path until it is done or ctx ends.
type recipe func(ctx context.Context, sm *session.Manager, path string) error

// briefly is how long a hold lasts.
func briefly(ctx context.Context) error {
	select {
	case <-time.After(3 * time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watching takes part of a sequence of changes until ctx ends.
func watching[T any](ctx context.Context, changes func(ctx context.Context, yield func(T, error) bool)) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	changes(ctx, func(T, error) bool { return true })
}

var recipes = map[string]recipe{
	"mutex": func(ctx context.Context, sm *session.Manager, path string) error {
		m := lock.NewMutex(sm, path)
		err := m.Do(ctx, func(ctx context.Context, _ *lock.Hold) error { return briefly(ctx) })
		_, _ = m.Holders(ctx)
		_, _ = m.Waiters(ctx)
		if h, err := m.TryLock(ctx); err == nil {
			return h.Release()
		}
		return err
	},
	"rwmutex": func(ctx context.Context, sm *session.Manager, path string) error {
		m := lock.NewRWMutex(sm, path, lock.Revocable())
		err := m.RDo(ctx, func(ctx context.Context, _ *lock.Hold) error { return briefly(ctx) })
		_, _ = m.Revoke(ctx)
		_ = m.Do(ctx, func(ctx context.Context, _ *lock.WriteHold) error { return briefly(ctx) })
		_, _ = m.Waiters(ctx)
		return err
	},
	"semaphore": func(ctx context.Context, sm *session.Manager, path string) error {
		s := lock.NewSemaphore(sm, path, lock.SharedLimit(path+"-limit", 3))
		err := s.Do(ctx, 2, func(ctx context.Context, _ *lock.Permit) error { return briefly(ctx) })
		_ = s.Resize(ctx, 2)
		_, _ = s.Holders(ctx)
		_, _ = s.Limit(ctx)
		return err
	},
	"one node": func(ctx context.Context, sm *session.Manager, path string) error {
		o := lock.NewOneNode(sm, path)
		err := o.Do(ctx, func(ctx context.Context, _ *lock.Hold) error { return briefly(ctx) })
		_, _ = o.Holders(ctx)
		return err
	},
	"once": func(ctx context.Context, sm *session.Manager, path string) error {
		o := lock.NewOnce(sm, path, time.Minute)
		err := o.Do(ctx, func(ctx context.Context, _ *lock.Run) error { return briefly(ctx) })
		_, _ = o.Last(ctx)
		return err
	},
	"several locks": func(ctx context.Context, sm *session.Manager, path string) error {
		m := lock.NewMulti(lock.NewMutex(sm, path+"/a"), lock.NewOneNode(sm, path+"/b"), lock.NewRWMutex(sm, path+"/c").RLocker())
		h, err := m.Lock(ctx)
		if err != nil {
			return err
		}
		return h.Release()
	},
	"election": func(ctx context.Context, sm *session.Manager, path string) error {
		e := election.New(sm, path, election.ID("me"))
		run, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		led := errors.New("never led")
		_ = e.Run(run, func(ctx context.Context, _ *election.Term) error { led = nil; return briefly(ctx) })
		_, _ = e.Leader(ctx)
		_, _ = e.Participants(ctx)
		short, end := context.WithTimeout(ctx, time.Second)
		defer end()
		_ = e.Transfer(short, "me")
		watching(ctx, func(ctx context.Context, yield func(election.Leader, error) bool) { e.Changes(ctx)(yield) })
		return led
	},
	"queue": func(ctx context.Context, sm *session.Manager, path string) error {
		q := queue.New(sm, path, queue.MaxAttempts(2), queue.DeadLetters(path+"-dead"))
		_, err := q.Put(ctx, []byte("a"), queue.Priority(3))
		_, _ = q.PutBatch(ctx, queue.Msg{Data: []byte("b")}, queue.Msg{Data: []byte("c")})
		_, _ = q.Len(ctx)
		_, _ = q.Status(ctx)
		watching(ctx, func(ctx context.Context, yield func(queue.Entry, error) bool) { q.List(ctx)(yield) })
		consume, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_ = q.Consume(consume, func(ctx context.Context, _ *queue.Item) error { return briefly(ctx) }, queue.Workers(2), queue.Prefetch(4))
		_, _ = q.Redrive(ctx)
		if item, err := q.TryTake(ctx); err == nil && item != nil {
			_ = item.Ack()
		}
		return err
	},
	"config": func(ctx context.Context, sm *session.Manager, path string) error {
		store := config.NewStore(sm, path)
		_, err := store.Put(ctx, "a/b", []byte(`{"n":1}`))
		_, _ = store.History(3).Put(ctx, "a/b", []byte(`{"n":2}`))
		_, _ = store.History(3).List(ctx, "a/b")
		_ = store.Publish(ctx, config.CreateKey("c", []byte("{}")), config.SetKey("a/b", []byte("{}"), -1))
		v, opened := config.Open(ctx, sm, path+"/a/b", config.JSON[map[string]int]())
		if opened == nil {
			_, _ = v.Update(ctx, func(m map[string]int) (map[string]int, error) { return map[string]int{"n": m["n"] + 1}, nil })
			watching(ctx, func(ctx context.Context, yield func(*config.Snapshot[map[string]int], error) bool) {
				v.Changes(ctx)(yield)
			})
			_ = v.Close()
		}
		return err
	},
	"config tree": func(ctx context.Context, sm *session.Manager, path string) error {
		store := config.NewStore(sm, path)
		for i := range 10 {
			_, _ = store.Put(ctx, fmt.Sprintf("k%d/x", i), []byte("1"))
		}
		tree, err := config.OpenTree(ctx, sm, path, config.Text())
		if err != nil {
			return err
		}
		defer tree.Close()
		_, _ = store.Put(ctx, "k1/x", []byte("2"))
		watching(ctx, func(ctx context.Context, yield func(*config.TreeSnapshot[string], error) bool) {
			tree.Changes(ctx)(yield)
		})
		return nil
	},
	"naming": func(ctx context.Context, sm *session.Manager, path string) error {
		r := naming.NewRegistry(sm, naming.Base(path))
		reg, err := r.Register(ctx, naming.Instance{Service: "s", ID: "i", Address: "10.0.0.1", Port: 80})
		if svc, err := r.Open(ctx, "s"); err == nil {
			watching(ctx, func(ctx context.Context, yield func(naming.Change, error) bool) { svc.Changes(ctx)(yield) })
			_ = svc.Close()
		}
		_, _ = r.Services(ctx)
		if err == nil {
			_ = reg.Drain(ctx)
			_ = reg.Unregister(ctx)
		}
		return err
	},
	"names": func(ctx context.Context, sm *session.Manager, path string) error {
		_, err := naming.NewNames(sm, path, "host-").Next(ctx)
		if id, err := naming.NewWorkers(sm, path+"-workers", 4).Acquire(ctx, "me"); err == nil {
			_ = id.ID()
		}
		return err
	},
	"group": func(ctx context.Context, sm *session.Manager, path string) error {
		g := groupmembership.NewGroup(sm, path)
		m, err := g.Join(ctx, "me", []byte("x"))
		_, _ = g.Members(ctx)
		watching(ctx, func(ctx context.Context, yield func(groupmembership.Change, error) bool) { g.Changes(ctx)(yield) })
		if err == nil {
			_ = m.UpdatePayload(ctx, []byte("y"))
			_ = m.Leave(ctx)
		}
		return err
	},
	"partitioner": func(ctx context.Context, sm *session.Manager, path string) error {
		p := groupmembership.NewPartitioner(sm, path, 5)
		run, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		var owned atomic.Bool
		_ = p.Run(run, "me", func(ctx context.Context, _ *groupmembership.Partition) error { owned.Store(true); return briefly(ctx) })
		_, _ = p.Owners(ctx)
		if !owned.Load() {
			return errors.New("owns no partition")
		}
		return nil
	},
	"barrier": func(ctx context.Context, sm *session.Manager, path string) error {
		b := barrier.New(sm, path)
		err := b.Set(ctx)
		_, _ = b.IsSet(ctx)
		time.AfterFunc(5*time.Second, func() { _ = b.Lift(ctx) })
		wait, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_ = b.Wait(wait)
		return err
	},
	"double barrier": func(ctx context.Context, sm *session.Manager, path string) error {
		d := barrier.NewDouble(sm, path, 1, barrier.ID("me"))
		v, err := d.Enter(ctx)
		_, _ = d.Members(ctx)
		_, _ = d.Status(ctx)
		if err == nil {
			_ = v.Leave(ctx)
		}
		return err
	},
	"counter": func(ctx context.Context, sm *session.Manager, path string) error {
		c := counter.New(sm, path)
		_, err := c.Add(ctx, 1)
		_, _ = c.Get(ctx)
		_, _ = c.CompareAndSet(ctx, 1, 2)
		watching(ctx, func(ctx context.Context, yield func(counter.Value, error) bool) { c.Changes(ctx)(yield) })
		return err
	},
	"sequence": func(ctx context.Context, sm *session.Manager, path string) error {
		s := counter.NewSequence(sm, path, counter.Block(2))
		defer s.Close()
		_, err := s.Next(ctx)
		for range 5 {
			_, _ = s.Next(ctx)
		}
		return err
	},
	"inspect": func(ctx context.Context, sm *session.Manager, path string) error {
		_, err := inspect.Read(ctx, sm, "/")
		_, _ = inspect.Deadlocks(ctx, sm, "/")
		watch, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		for range inspect.Changes(watch, sm, "/", inspect.Every(time.Second)) {
		}
		return err
	},
}

// A server that lies in the right form makes no recipe panic, hang, or ask
// without pauses, and leaves no goroutine. Once the server is honest, the
// recipe works again, elsewhere.
func TestFault44_Liars(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for name, use := range recipes {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				testworld.Run(t, func(w *testworld.World) { underLies(w, use, hostile.NewLiar(seed, []float64{0.05, 0.2, 0.5}[seed%3])) })
			})
		}
	}
}

// attacker is a hostile server, or an attacker on the path.
type attacker interface {
	React(hostile.Frame) hostile.Reaction
	Repent()
}

// underLies uses a recipe while the server lies, and then while it is honest.
func underLies(w *testworld.World, use recipe, liar attacker) {
	victim := w.Process(func(cfg *session.Config) {
		cfg.Dialer = hostile.Between(w.Srv.Link().DialContext, hostile.Paced(w, liar.React))
	})
	other := w.Process()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 {
			_ = use(w.Within(20*time.Second), victim.Manager, "/lied")
			_ = use(w.Within(20*time.Second), other.Manager, "/lied")
		}
	}()
	time.Sleep(3 * time.Minute)
	liar.Repent() // a release waits for an answer, for as long as the session lasts
	select {
	case <-done:
	case <-time.After(5 * time.Minute):
		w.Fatal("the recipe hangs, although the server is honest again")
	}
	time.Sleep(time.Minute) // the connection of before may still end
	if err := use(w.Within(2*time.Minute), victim.Manager, "/honest"); err != nil {
		w.Errorf("the server is honest again: %v", err)
	}
	begun := time.Now()
	require.NoError(w, victim.Close())
	require.Less(w, time.Since(begun), time.Minute)
}
