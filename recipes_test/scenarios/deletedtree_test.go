package scenarios

import (
	"context"
	"errors"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// TestTreeDeletedUnderClients deletes the directories of all recipes, as an
// operator does by mistake. What is owned ends or comes back by itself, what
// waits goes on, and only the data is lost.
func TestTreeDeletedUnderClients(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	ctx := within(t, 3*patience)
	p, q := start(t, e, lasting), start(t, e, lasting)
	mistake := observer(t, e)

	store := config.NewStore(p.Manager, "/app/config")
	_, err := store.Create(ctx, "k", []byte("7"))
	require.NoError(t, err)
	value, err := config.Open(ctx, q.Manager, "/app/config/k", config.JSON[int]())
	require.NoError(t, err)
	defer value.Close()
	tree, err := config.OpenTree(ctx, q.Manager, "/app/config", config.JSON[int]())
	require.NoError(t, err)
	defer tree.Close()
	total := counter.New(p.Manager, "/app/counter")
	_, err = total.Add(ctx, 5)
	require.NoError(t, err)
	numbers := counter.NewSequence(p.Manager, "/app/sequence")
	defer numbers.Close()
	_, err = numbers.Next(ctx)
	require.NoError(t, err)

	member, err := groupmembership.NewGroup(p.Manager, "/app/group").Join(ctx, "p", nil)
	require.NoError(t, err)
	instance, err := naming.NewRegistry(p.Manager, naming.Base("/app/services")).Register(ctx,
		naming.Instance{Service: "orders", ID: "p", Address: "10.0.0.1", Port: 80})
	require.NoError(t, err)
	orders, err := naming.NewRegistry(q.Manager, naming.Base("/app/services")).Open(ctx, "orders")
	require.NoError(t, err)
	defer orders.Close()
	ensemble.Eventually(t, patience, "the instance is seen", func() bool { return len(orders.Load()) == 1 })
	registered := instance.State()

	held, err := lock.NewMutex(p.Manager, "/app/lock").Lock(ctx)
	require.NoError(t, err)
	next := make(chan *lock.Hold, 1)
	failed := make(chan error, 4)
	async := func(f func() error) {
		go func() {
			if err := f(); err != nil {
				failed <- err
			}
		}()
	}
	async(func() error {
		h, err := lock.NewMutex(q.Manager, "/app/lock").Lock(ctx)
		next <- h
		return err
	})
	terms := make(chan *election.Term, 10)
	async(func() error {
		err := election.New(p.Manager, "/app/leader").Run(ctx, func(ctx context.Context, term *election.Term) error {
			terms <- term
			<-ctx.Done()
			return nil
		})
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
	term := <-terms
	items := make(chan string, 1)
	async(func() error {
		item, err := queue.New(q.Manager, "/app/queue").Take(ctx)
		if err != nil {
			return err
		}
		items <- string(item.Data)
		return item.Ack()
	})
	gate := barrier.New(p.Manager, "/app/gate")
	require.NoError(t, gate.Set(ctx))
	lifted := make(chan struct{})
	async(func() error {
		defer close(lifted)
		return barrier.New(q.Manager, "/app/gate").Wait(ctx)
	})
	ensemble.Eventually(t, patience, "the waiter is in the queue", func() bool {
		waiters, err := lock.NewMutex(p.Manager, "/app/lock").Waiters(ctx)
		return err == nil && len(waiters) == 1
	})

	for _, dir := range []string{"config", "counter", "sequence", "group", "services", "lock", "leader", "queue", "gate"} {
		deleteAll(ctx, t, mistake, "/app/"+dir)
	}

	<-held.Done()
	require.ErrorIs(t, held.Err(), session.ErrDeleted)
	require.ErrorIs(t, held.Release(), session.ErrLost)
	h := <-next
	require.NotNil(t, h)
	require.Greater(t, h.Token(), held.Token())
	if err := h.Release(); err != nil { // the waiter may have held before its own znode was deleted
		require.ErrorIs(t, err, session.ErrLost)
	}
	h, err = lock.NewMutex(q.Manager, "/app/lock").Lock(ctx)
	require.NoError(t, err)
	require.Greater(t, h.Token(), held.Token())
	require.NoError(t, h.Release())
	<-term.Done()
	require.ErrorIs(t, term.Err(), session.ErrDeleted)
	require.Greater(t, (<-terms).Token(), term.Token(), "Run leads again")
	<-lifted

	ensemble.Eventually(t, patience, "the member is in again", func() bool { return member.State().In })
	ensemble.Eventually(t, patience, "the instance is registered again", func() bool {
		return instance.State().In && instance.State().Token > registered.Token && len(orders.Load()) == 1 && !orders.Stale()
	})
	ensemble.Eventually(t, patience, "the views have no value", func() bool {
		return !value.Load().Exists && tree.Load().Lookup("k") == nil
	})
	require.Equal(t, 7, value.Load().Value, "the last good value, without a default")

	_, err = queue.New(p.Manager, "/app/queue").Put(ctx, []byte("later"))
	require.NoError(t, err)
	require.Equal(t, "later", <-items, "a consumer that waits goes on")
	sum, err := total.Add(ctx, 1)
	require.NoError(t, err)
	require.EqualValues(t, 1, sum, "a counter begins anew")
	for err = nil; err == nil; {
		_, err = numbers.Next(ctx)
	}
	require.ErrorIs(t, err, counter.ErrSetBack)
	_, err = store.Create(ctx, "k", []byte("8"))
	require.NoError(t, err)
	ensemble.Eventually(t, patience, "the views have the new value", func() bool {
		return value.Load().Value == 8 && tree.Load().Lookup("k") != nil && tree.Load().Lookup("k").Value == 8
	})
	select {
	case err := <-failed:
		require.NoError(t, err)
	default:
	}
}

// deleteAll deletes the tree at a path once, as deleteall of zkCli.sh does. What
// clients create meanwhile may stay.
func deleteAll(ctx context.Context, t *testing.T, sm *session.Manager, at string) {
	children, _, err := sm.Children(ctx, at)
	if errors.Is(err, session.ErrNoNode) {
		return
	}
	require.NoError(t, err)
	for _, name := range children {
		deleteAll(ctx, t, sm, path.Join(at, name))
	}
	err = sm.Delete(ctx, at, session.AnyVersion)
	if !errors.Is(err, session.ErrNoNode) && !errors.Is(err, session.ErrNotEmpty) {
		require.NoError(t, err)
	}
}
