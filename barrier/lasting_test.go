package barrier_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

const stray = dir + "/member-stray"

// come makes the znode of a member of another library.
func come(p *testworld.Process, name, data string) {
	p.W.Helper()
	if _, found := p.W.Srv.Node(dir); !found {
		p.W.Put(dir, "")
	}
	_, err := p.Manager.Create(p.W.Context(), dir+"/"+name, []byte(data), session.Ephemeral)
	require.NoError(p.W, err)
}

// A persistent znode with a member's name is not a member: no round begins with
// it. A member that waits says so when its ctx ends.
func TestLastingMember(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(stray, "")
		_, err := barrier.NewDouble(w.Process().Manager, dir, 2, barrier.ID("a")).Enter(w.Within(time.Minute))
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorIs(w, err, session.ErrNotEphemeral)
		require.ErrorContains(w, err, "waiting until 2 members have come, and "+stray+" is not counted: the znode is not ephemeral")

		strayAlone := func() bool { return slices.Equal(w.Children(dir), []string{"member-stray"}) }
		w.Eventually(strayAlone, "the znode of the call that failed is gone")
		members, err := barrier.NewDouble(w.Process().Manager, dir, 2).Members(w.Context())
		require.NoError(w, err)
		require.Empty(w, members)

		a, b := enter(w.Process(), 2, "a"), enter(w.Process(), 2, "b")
		c := enter(w.Process(), 2, "c")
		_, err = c.Result()
		require.ErrorIs(w, err, barrier.ErrFull, "the two have entered")
		leaving := []*testworld.Call[bool]{leave(w, a.Get()), leave(w, b.Get())}
		for _, l := range leaving {
			require.True(w, l.Get())
		}
		w.Eventually(strayAlone, "the znodes of all members are gone")
	})
}

// A round of another library names no members. The persistent znode is not one
// of them.
func TestLastingMember_roundOfAnotherLibrary(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(stray, "")
		for _, name := range []string{"a", "b"} {
			come(w.Process(), "member-"+name, "")
		}
		w.Put(ready, "")
		full := barrier.NewDouble(w.Process().Manager, dir, 3)
		c := testworld.Go(w, full.Enter)
		require.True(w, c.Waiting(), "the round has a free place: it is waited for")
		for _, name := range []string{"a", "b"} {
			w.Remove(dir + "/member-" + name)
		}
		w.Eventually(func() bool { _, found := w.Srv.Node(ready); return !found }, "the round is over")
		_, err := c.GiveUp()
		require.ErrorIs(w, err, context.Canceled)
	})
}

// The znode gets the name of a member that has left the round. It keeps neither
// the other members in the round nor the next members out.
func TestLastingMember_nameOfAMemberThatHasLeft(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := enter(w.Process(), 2, "a"), enter(w.Process(), 2, "stray")
		va, vb := a.Get(), b.Get()
		require.NoError(w, vb.Release())
		w.Put(stray, "")
		c := enter(w.Process(), 2, "c")
		require.NoError(w, va.Leave(w.Within(time.Minute)))
		w.Eventually(func() bool { return slices.Contains(w.Children(dir), "member-c") }, "the next member has come")
		require.True(w, c.Waiting())
		_, err := c.GiveUp()
		require.ErrorIs(w, err, context.Canceled)
		require.ErrorContains(w, err, "waiting until 2 members have come")
	})
}
