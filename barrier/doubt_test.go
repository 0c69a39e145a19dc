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

// The gate is set or lifted, the answer lost, and others do the contrary: it is
// not done a second time.
func TestFault04_GateIsNotMovedTwice(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/barriers/other", "")
		g := barrier.New(p.Manager, gate)
		p.Meddle(testworld.Is(zktest.OpCreate, gate), func() { w.Remove(gate) })
		require.ErrorIs(t, g.Set(w.Context()), session.ErrUnknownOutcome)
		_, found := w.Srv.Node(gate)
		require.False(t, found, "others have lifted it")
	})
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put(gate, "")
		g := barrier.New(p.Manager, gate)
		p.Meddle(testworld.Is(zktest.OpDelete, gate), func() { w.Put(gate, "theirs") })
		require.ErrorIs(t, g.Lift(w.Context()), session.ErrUnknownOutcome)
		require.Equal(t, "theirs", w.Data(gate), "others have set it again")
	})
}

// Another client deletes a member's node, whose server lags, and another member
// with the same id stands in its place: the first one's leaving does not touch
// it.
func TestFault06_LeavingLeavesTheNextMemberAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		v, err := barrier.NewDouble(a.Manager, "/barriers/d", 1, barrier.ID("1")).Enter(w.Context())
		require.NoError(t, err)
		w.Srv.Lag(a.Current().ID())
		w.Remove(v.Path())
		_, err = b.Create(w.Context(), v.Path(), []byte("theirs"), session.Ephemeral)
		require.NoError(t, err)
		require.NoError(t, v.Err(), "the event is late")
		if err := v.Release(); err != nil {
			require.ErrorIs(t, err, session.ErrLost)
		}
		time.Sleep(time.Minute)
		require.Equal(t, "theirs", w.Data(v.Path()))
	})
}

func TestFault09_BarriersOnAThrottledServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Throttle()
		g := barrier.New(p.Manager, gate)
		for range 3 {
			require.NoError(t, g.Set(w.Context()))
			set, err := g.IsSet(w.Context())
			require.NoError(t, err)
			require.True(t, set)
			require.NoError(t, g.Lift(w.Context()))
			require.NoError(t, g.Wait(w.Context()))
			v, err := barrier.NewDouble(p.Manager, "/barriers/d", 1).Enter(w.Within(time.Minute))
			require.NoError(t, err)
			require.NoError(t, v.Leave(w.Within(time.Minute)))
		}
	})
}
