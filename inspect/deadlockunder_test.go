package inspect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// under starts a wait for a mutex under holds of other sessions.
func under(w *testworld.World, p *testworld.Process, path string, others ...*testworld.Process) {
	w.Helper()
	var ids []session.ID
	for _, other := range others {
		ids = append(ids, session.ID(other.Current().ID()))
	}
	require.True(w, testworld.Go(w, lock.NewMutex(p.Manager, path, lock.ParentSessions(ids...)).Lock).Waiting())
}

// What a program waits for that was started under a hold, the hold waits for.
func TestDeadlocks_under(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, below, b, deep := w.Process(), w.Process(), w.Process(), w.Process()
		h := held(w, a, "/1", "a")
		held(w, b, "/2", "b")
		under(w, below, "/2", a)
		require.Empty(w, deadlocks(w, a), "b waits for nobody")
		require.NoError(w, h.Release())
		held(w, a, "/1", "a")
		under(w, deep, "/1", a, b) // of several sessions each counts
		found := deadlocks(w, a)
		require.Len(w, found, 1)
		require.Equal(w, []SessionID{SessionID(a.Current().ID()), SessionID(b.Current().ID())}, found[0].Ring[0].Waiter.Under)
		require.Equal(w, SessionID(deep.Current().ID()), found[0].Ring[0].Waiter.Session)
		require.Equal(w, SessionID(a.Current().ID()), found[0].Ring[0].Holder.Session)
		require.Equal(w, SessionID(b.Current().ID()), found[0].Ring[1].Holder.Session)
	})
}

// A session that was started by a holder, and blocks no other session, is not
// in a cycle.
func TestDeadlocks_underNobody(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, below, b, stranger := w.Process(), w.Process(), w.Process(), w.Process()
		held(w, a, "/1", "a")
		held(w, b, "/2", "b")
		under(w, below, "/2", stranger)
		lockWaiting(w, b, "/1", "b")
		under(w, stranger, "/1", a) // at the lock that it runs under itself
		require.Empty(w, deadlocks(w, a))
	})
}

func TestSessionID_text(t *testing.T) {
	for _, id := range []SessionID{0, 1, 0x1000a2f4c8e0003, -1} {
		text, err := id.MarshalText()
		require.NoError(t, err)
		var back SessionID
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, id, back)
	}
	for _, text := range []string{"", "0x", "12", "x12", "0x12345678901234567", "0xg"} {
		var id SessionID
		require.ErrorContains(t, id.UnmarshalText([]byte(text)), "is not a session id", text)
	}
}
