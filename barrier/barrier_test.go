package barrier_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const gate = "/barriers/gate"

// wait starts a Wait.
func wait(p *testworld.Process) *testworld.Call[bool] {
	return testworld.Go(p.W, func(ctx context.Context) (bool, error) {
		err := barrier.New(p.Manager, gate).Wait(ctx)
		return err == nil, err
	})
}

func TestGate(t *testing.T) {
	testworld.EachRelease(t, func(w *testworld.World, _ zktest.Release) {
		a, b := w.Process(), w.Process()
		g := barrier.New(a.Manager, gate)
		require.Equal(t, gate, g.Path())
		require.NoError(t, g.Wait(w.Context()), "nobody has set it")
		require.NoError(t, g.Lift(w.Context()), "it is open already")
		require.NoError(t, g.Set(w.Context()))
		require.NoError(t, barrier.New(b.Manager, gate).Set(w.Context()), "it is set already")
		set, err := g.IsSet(w.Context())
		require.NoError(t, err)
		require.True(t, set)
		info, _ := w.Srv.Node(gate)
		require.Zero(t, info.Stat.EphemeralOwner)
		require.Contains(t, w.Data(gate), `"pid":`)

		calls := []*testworld.Call[bool]{wait(a), wait(a), wait(b)}
		require.Equal(t, 2, w.Srv.WatchesOf(gate), "one for each process")
		w.Put(gate, w.Data(gate)) // another client writes to it
		time.Sleep(time.Hour)
		for _, c := range calls {
			require.True(t, c.Waiting())
		}
		require.NoError(t, barrier.New(b.Manager, gate).Lift(w.Context()))
		for _, c := range calls {
			require.True(t, c.Get())
		}
		set, err = g.IsSet(w.Context())
		require.NoError(t, err)
		require.False(t, set)
		require.Zero(t, w.Srv.Watches())
	})
}

func TestGateWithoutPath(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		g := barrier.New(w.Process().Manager, "gate")
		for _, err := range []error{g.Set(w.Context()), g.Lift(w.Context()), g.Wait(w.Context())} {
			require.ErrorContains(t, err, "relative")
		}
		_, err := g.IsSet(w.Context())
		require.ErrorContains(t, err, "relative")
	})
}

// All waiting processes get through, although the gate is set again before any
// of them could read it.
func TestGateSetAgainAtOnce(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(gate, "")
		c := wait(w.Process())
		w.Remove(gate)
		w.Put(gate, "")
		require.True(t, c.Get())
		next := wait(w.Process())
		require.True(t, next.Waiting())
		_, err := next.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestGateContext(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		g := barrier.New(p.Manager, gate)
		done := testworld.Cancelled()
		for _, err := range []error{g.Wait(done), g.Set(done), g.Lift(done)} {
			require.ErrorIs(t, err, context.Canceled, "a ctx that is done beats an open gate")
			require.ErrorContains(t, err, gate)
		}
		w.Put(gate, "")
		start := time.Now()
		err := g.Wait(w.Within(time.Minute))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "waiting until the gate is lifted")
		require.Equal(t, time.Minute, time.Since(start))
		c := wait(p)
		require.NoError(t, p.Close())
		_, err = c.Result()
		require.ErrorIs(t, err, session.ErrClosed)
	})
}

// A waiter of kazoo's returns early, or never, when its session is lost.
func TestHardCase37_GateOverSessions(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(gate, "")
		p := w.Process()
		c := wait(p)
		p.Link.Disconnect()
		require.True(t, c.Waiting())
		for range 3 {
			old := p.Current()
			p.Expire()
			<-old.Done()
			require.NotEqual(t, old.ID(), p.Current().ID())
			require.True(t, c.Waiting())
		}
		p.Link.Cut(zktest.Both)
		time.Sleep(time.Hour)
		require.True(t, c.Waiting())
		w.Remove(gate) // during the disconnection
		p.Link.Heal()
		require.True(t, c.Get())
	})
}

// The gate was set before the waiter came, but its server does not know yet.
func TestGateOnALaggingServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Srv.Lag(p.Current().ID())
		w.Put(gate, "")
		c := wait(p)
		require.True(t, c.Waiting())
		w.Srv.Lag(p.Current().ID())
		w.Remove(gate)
		set, err := barrier.New(p.Manager, gate).IsSet(w.Context())
		require.NoError(t, err)
		require.False(t, set)
		require.True(t, c.Get())
	})
}

func TestGateLostReplies(t *testing.T) {
	for _, action := range []zktest.Action{zktest.LoseReply, zktest.DropRequest} {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			g := barrier.New(p.Manager, gate)
			lose := func(op zktest.Op) {
				w.Once(func(r zktest.Request) bool { return r.Op == op && r.Path == gate },
					func() zktest.Action { return action })
			}
			w.Put("/barriers", "")
			lose(zktest.OpCreate)
			require.NoError(t, g.Set(w.Context()))
			_, found := w.Srv.Node(gate)
			require.True(t, found)
			lose(zktest.OpDelete)
			require.NoError(t, g.Lift(w.Context()))
			_, found = w.Srv.Node(gate)
			require.False(t, found)
		})
	}
}

// What cannot be made out is said, and not tried again behind the caller's
// back.
func TestGateUnknownOutcome(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		g := barrier.New(p.Manager, gate)
		cut := func(op zktest.Op) {
			w.Once(func(r zktest.Request) bool { return r.Op == op && r.Path == gate }, func() zktest.Action {
				p.Link.Cut(zktest.Both)
				return zktest.Pass
			})
		}
		w.Put("/barriers", "")
		cut(zktest.OpCreate)
		err := g.Set(w.Context())
		require.ErrorIs(t, err, session.ErrUnknownOutcome)
		require.ErrorIs(t, err, session.ErrSessionEnded)
		p.Link.Heal()
		require.NoError(t, g.Set(w.Context()))
		cut(zktest.OpDelete)
		err = g.Lift(w.Within(time.Second))
		require.ErrorIs(t, err, session.ErrUnknownOutcome)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		p.Link.Heal()
		require.NoError(t, g.Lift(w.Context()))
	})
}

func TestGateErrors(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		g := barrier.New(w.Process().Manager, gate)
		w.Put(gate+"/stranger", "")
		err := g.Lift(w.Context())
		require.ErrorIs(t, err, session.ErrNotEmpty)
		require.ErrorContains(t, err, "lift barrier "+gate+": ")
		w.Remove(gate)
		remove := w.Fail(zktest.OpCreate, gate, zktest.CodeNoAuth)
		require.ErrorIs(t, g.Set(w.Context()), session.ErrNoAuth)
		remove()
		w.Remove("/barriers")
		w.Fail(zktest.OpSync, gate, zktest.CodeNoAuth)
		_, err = g.IsSet(w.Context())
		require.ErrorIs(t, err, session.ErrNoAuth)
	})
}

func TestGateCost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		g := barrier.New(w.Process().Manager, gate)
		w.Put("/barriers", "")
		require.Equal(t, map[string]int{"exists": 1, "create": 1}, w.Count(func() { require.NoError(t, g.Set(w.Context())) }))
		require.Equal(t, map[string]int{"getData": 1, "delete": 1}, w.Count(func() { require.NoError(t, g.Lift(w.Context())) }))
		require.Equal(t, map[string]int{"multi": 1, "getData": 1}, w.Count(func() { require.NoError(t, g.Wait(w.Context())) }))
	})
}
