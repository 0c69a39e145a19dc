//go:build unix

package inspect

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/recipes_test/ensemble"
)

// Docent holds the lock that Curator waits for, and the reverse.
func TestDeadlockOfTwo(t *testing.T) {
	w := inWorld(t)
	ours, java := w.docent(), w.curator().Actor("a")
	held := w.hold(ours, "/l/1")
	require.Equal(t, "true", java.Do("lock.acquire", "/l/2", ms(patience)))
	require.Empty(t, w.deadlocks())
	first := w.wait(ours, "/l/2")
	w.waiters("/l/2", 1)
	require.Empty(t, w.deadlocks(), "a single waiter is not a cycle")
	second := java.Go("lock.acquire", "/l/1", ms(patience))
	w.waiters("/l/1", 1)

	found := w.deadlocks()
	require.Len(t, found, 1)
	require.Len(t, found[0].Cycle, 2)
	for _, link := range found[0].Cycle {
		if link.Lock == "/l/2" {
			require.Equal(t, idOf(t, ours), link.Waiter.Session)
			require.Equal(t, inspect.Docent, link.Waiter.Layout)
			require.Equal(t, inspect.Curator, link.Holder.Layout)
		} else {
			require.Equal(t, idOf(t, ours), link.Holder.Session)
			require.Equal(t, held.Token(), link.Holder.Token)
		}
	}
	// The cycle remains while a server dies.
	w.Server(0).Kill()
	require.NoError(t, w.WaitQuorum(w.within(patience)))
	require.Len(t, w.deadlocks(), 1)
	w.Server(0).Restart()

	first.giveUp()
	require.ErrorIs(t, <-first.done, context.Canceled)
	require.NoError(t, held.Release())
	require.Equal(t, "true", second.Get())
	require.Empty(t, w.deadlocks())
}

// Docent, Curator and kazoo wait for each other.
func TestDeadlockOfThree(t *testing.T) {
	w := inWorld(t)
	ours, java, python := w.docent(), w.curator().Actor("a"), w.kazoo().Actor("a")
	held := w.hold(ours, "/l/1")
	require.Equal(t, "true", java.Do("lock.acquire", "/l/2", ms(patience)))
	require.Equal(t, "true", python.Do("lock.acquire", "/l/3", "named", ms(patience)))
	first := w.wait(ours, "/l/2")
	second := java.Go("lock.acquire", "/l/3", ms(patience))
	w.waiters("/l/2", 1)
	w.waiters("/l/3", 1)
	require.Empty(t, w.deadlocks(), "a chain without a cycle")
	third := python.Go("lock.acquire", "/l/1", "named", ms(patience))
	w.waiters("/l/1", 1)
	behind := w.wait(w.docent(), "/l/3")
	w.waiters("/l/3", 2)

	found := w.deadlocks()
	require.Len(t, found, 1)
	require.Len(t, found[0].Cycle, 3)
	require.Len(t, found[0].Behind, 1)

	first.giveUp()
	require.Error(t, <-first.done)
	require.NoError(t, held.Release())
	require.Equal(t, "true", third.Get())
	require.Empty(t, w.deadlocks())
	python.Do("lock.release", "/l/3", "named")
	require.Equal(t, "true", second.Get())
	behind.giveUp()
	require.Error(t, <-behind.done)
}

// Two Curators wait over a mutex and a semaphore. The first has a lease in the
// semaphore that is not a permit yet.
func TestDeadlockOverPermits(t *testing.T) {
	w := inWorld(t)
	one, other := w.curator().Actor("a"), w.curator().Actor("a")
	require.Equal(t, "true", one.Do("lock.permits", "/s", 2, 1, ms(patience)))
	require.Equal(t, "true", other.Do("lock.acquire", "/m", ms(patience)))
	second := w.curator()
	require.Equal(t, "true", second.Actor("a").Do("lock.permits", "/s", 2, 1, ms(patience)))
	permit := other.Go("lock.permits", "/s", 2, 1, ms(patience))
	ensemble.Eventually(t, patience, "Curator waits for a permit", func() bool {
		s, ok := at[*inspect.Semaphore](w.look(), "/s")
		return ok && len(s.Waiters) == 1 && s.Used == 2
	})
	mutex := one.Go("lock.acquire", "/m", ms(patience))
	w.waiters("/m", 1)
	require.Empty(t, w.deadlocks(), "one holder can release a permit")
	waits := second.Actor("a").Go("lock.acquire", "/m", ms(patience))
	w.waiters("/m", 2)
	// The first waits for each holder of a permit, and each waits for its mutex.
	found := w.deadlocks()
	require.Len(t, found, 2)
	for _, cycle := range found {
		require.Len(t, cycle.Cycle, 2)
		require.Len(t, cycle.Behind, 1)
	}
	second.Kill()
	require.Equal(t, "true", permit.Get())
	require.Empty(t, w.deadlocks())
	other.Do("lock.release", "/m")
	require.Equal(t, "true", mutex.Get())
	_, err := waits.Result()
	require.Error(t, err)
}
