package inspect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// lockUnder starts a wait for a mutex under holds of other sessions.
func lockUnder(w *testworld.World, p *testworld.Process, path string, others ...*testworld.Process) {
	w.Helper()
	var ids []session.ID
	for _, other := range others {
		ids = append(ids, session.ID(other.Current().ID()))
	}
	require.True(w, testworld.Go(w, lock.NewMutex(p.Manager, path, lock.ParentSessions(ids...)).Lock).Waiting())
}

// A hold waits for what the programs wait for that were started under it.
func TestDeadlocks_parentSessions(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, below, b, deep := w.Process(), w.Process(), w.Process(), w.Process()
		h := held(w, a, "/1", "a")
		held(w, b, "/2", "b")
		lockUnder(w, below, "/2", a)
		require.Empty(w, deadlocks(w, a), "b does not wait")
		require.NoError(w, h.Release())
		held(w, a, "/1", "a")
		lockUnder(w, deep, "/1", a, b) // of several sessions each counts
		found := deadlocks(w, a)
		require.Len(w, found, 1)
		require.Equal(w, []session.ID{session.ID(a.Current().ID()), session.ID(b.Current().ID())}, found[0].Cycle[0].Waiter.ParentSessions)
		require.Equal(w, session.ID(deep.Current().ID()), found[0].Cycle[0].Waiter.Session)
		require.Equal(w, session.ID(a.Current().ID()), found[0].Cycle[0].Holder.Session)
		require.Equal(w, session.ID(b.Current().ID()), found[0].Cycle[1].Holder.Session)
	})
}

// A session that was started by a holder, and blocks no other session, is not
// in a cycle.
func TestDeadlocks_parentThatBlocksNoSession(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, below, b, other := w.Process(), w.Process(), w.Process(), w.Process()
		held(w, a, "/1", "a")
		held(w, b, "/2", "b")
		lockUnder(w, below, "/2", other)
		lockWaiting(w, b, "/1", "b")
		lockUnder(w, other, "/1", a) // at the lock that it runs under itself
		require.Empty(w, deadlocks(w, a))
	})
}
