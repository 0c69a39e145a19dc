package barrier_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestHardCase37_ExpiryWhileEntering(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		first := enter(a, 2, "a")
		for range 3 {
			old := a.Current()
			a.Expire()
			<-old.Done()
			w.Eventually(func() bool { return len(w.Children(dir)) == 1 }, "it stands in its next session")
			require.True(t, first.Waiting())
		}
		second := enter(w.Process(), 2, "b").Get()
		allLeave(w, []*barrier.Visit{first.Get(), second})
	})
}

// Our session has ended here but not yet on the server: its node does not count
// as a second member, with or without an id.
func TestHardCase37_GhostIsNoMember(t *testing.T) {
	for _, id := range []string{"", "a"} {
		testworld.Run(t, func(w *testworld.World) {
			a := w.Process()
			first := enter(a, 2, id)
			old := a.Current()
			a.Link.Cut(zktest.ToServer)
			<-old.Done() // at its trust deadline, before the server expires it
			a.Link.Heal()
			require.NotEqual(t, old.ID(), a.Current().ID())
			time.Sleep(time.Millisecond)
			require.True(t, first.Waiting(), "it must not meet itself")
			require.Len(t, w.Children(dir), 1)
			second := enter(w.Process(), 2, "b").Get()
			allLeave(w, []*barrier.Visit{first.Get(), second})
		})
	}
}

// The same after Enter has returned: the node of a visit that was lost.
func TestHardCase37_GhostOfALostVisit(t *testing.T) {
	for _, id := range []string{"", "a"} {
		testworld.Run(t, func(w *testworld.World) {
			a := w.Process()
			d := barrier.NewDouble(a.Manager, dir, 2, barrier.ID(id))
			first := testworld.Go(w, d.Enter)
			other := enter(w.Process(), 2, "b").Get()
			v := first.Get()
			a.Link.Cut(zktest.ToServer)
			<-v.Done()
			require.ErrorIs(t, v.Err(), session.ErrTrustElapsed)
			require.ErrorIs(t, v.Leave(w.Context()), session.ErrLost)
			require.Len(t, w.Children(dir), 3, "the server does not know yet")
			a.Link.Heal()
			again := testworld.Go(w, d.Enter)
			require.True(t, again.Waiting(), "the round is ending")
			require.NoError(t, other.Leave(w.Context()), "the ghost has been removed")
			next := enter(w.Process(), 2, "c").Get()
			allLeave(w, []*barrier.Visit{again.Get(), next})
		})
	}
}

// The round begins with our node, while our session ends: the others go on
// without us, and we wait for the next round.
func TestHardCase37_ExpiryAsTheRoundBegins(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		first := enter(a, 2, "a")
		w.Srv.Partition(a.Current().ID(), zktest.Both)
		other := enter(w.Process(), 2, "b").Get()
		require.True(t, first.Waiting())
		a.Expire()
		a.Link.Disconnect()
		require.True(t, first.Waiting())
		require.NoError(t, other.Leave(w.Context()))
		next := enter(w.Process(), 2, "b").Get()
		allLeave(w, []*barrier.Visit{first.Get(), next})
	})
}

// The same where the server does not know yet that our session has ended: our
// old node takes no place, neither of this round nor of the next.
func TestHardCase37_GhostAsTheRoundBegins(t *testing.T) {
	for _, id := range []string{"", "a"} {
		testworld.Run(t, func(w *testworld.World) {
			a := w.Process()
			first := enter(a, 2, id)
			old := a.Current()
			a.Link.Cut(zktest.Both)
			other := enter(w.Process(), 2, "b").Get()
			<-old.Done()
			require.Len(t, w.Children(dir), 3)
			a.Link.Disconnect()
			a.Link.Heal()
			a.Current()
			require.True(t, first.Waiting())
			require.Equal(t, []string{"member-b", "ready"}, w.Children(dir))
			require.NoError(t, other.Leave(w.Context()))
			next := enter(w.Process(), 2, "b").Get()
			allLeave(w, []*barrier.Visit{first.Get(), next})
		})
	}
}

// The session of a member ends during its Leave: the wait goes on in the next
// session.
func TestHardCase37_ExpiryWhileLeaving(t *testing.T) {
	for who := range 3 {
		testworld.Run(t, func(w *testworld.World) {
			processes, visits := gather(w, 3)
			out := leave(w, visits[who])
			old := processes[who].Current()
			synced := false // the next session may begin on a server that does not know of the members yet
			w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				synced = synced || r.Op == zktest.OpMulti && r.Session != old.ID()
				require.True(t, synced || r.Op != zktest.OpGetChildren2 || r.Session == old.ID(), "%v", r)
				return zktest.Pass
			})
			processes[who].Expire()
			<-old.Done()
			require.True(t, out.Waiting())
			for i, v := range visits {
				if i != who {
					leave(w, v)
				}
			}
			require.True(t, out.Get())
			require.Empty(t, w.Children(dir))
		})
	}
}

// All members die inside: the next member clears the round, and is not blocked.
func TestHardCase37_EveryoneDiesInside(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		processes, visits := gather(w, 3)
		waiting := make([]*testworld.Call[*barrier.Visit], 0, 3)
		require.NoError(t, visits[0].Release())
		for _, id := range []string{"x", "y", "z"} {
			waiting = append(waiting, enter(w.Process(), 3, id))
		}
		for _, p := range processes[1:] {
			p.Link.Cut(zktest.Both)
		}
		var next []*barrier.Visit
		for _, c := range waiting {
			next = append(next, c.Get())
		}
		require.Greater(t, next[0].Token(), visits[0].Token())
		allLeave(w, next)
	})
}

// Under the strict policy a disconnection ends the visit, not the session:
// the member is out.
func TestHardCase37_StrictPolicy(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process(func(c *session.Config) { c.LossPolicy = session.OnDisconnect })
		first := enter(a, 2, "a")
		other := enter(w.Process(), 2, "b").Get()
		v := first.Get()
		a.Link.Disconnect()
		<-v.Done()
		require.ErrorIs(t, v.Leave(w.Context()), session.ErrDisconnected)
		require.NoError(t, other.Leave(w.Context()))
		require.Empty(t, w.Children(dir))
	})
}
