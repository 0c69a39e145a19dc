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

// A gate that is lifted and set again while the waiter is cut off was open.
func TestFault13_LiftedAndSetAgainWhileCutOff(t *testing.T) {
	for name, away := range map[string]time.Duration{"the session lasts": 2 * time.Second, "the session ends": time.Minute} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				other := w.Process()
				g := barrier.New(other.Manager, gate)
				require.NoError(w, g.Set(w.Context()))
				call := wait(p)
				time.Sleep(time.Second)
				p.Link.Cut(zktest.Both)
				p.Link.Disconnect()
				time.Sleep(away / 2)
				require.NoError(w, g.Lift(w.Context()))
				require.NoError(w, g.Set(w.Context()))
				time.Sleep(away / 2)
				require.True(w, call.Waiting())
				p.Link.Heal()
				require.True(w, call.Get())
			})
		})
	}
}

// A gate that is only written to stays closed, cut off or not.
func TestFault13_WrittenToWhileCutOff(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put(gate, "")
		call := wait(p)
		time.Sleep(time.Second)
		p.Link.Cut(zktest.Both)
		w.Put(gate, "x")
		time.Sleep(time.Minute)
		p.Link.Heal()
		w.Put(gate, "y")
		time.Sleep(time.Hour)
		require.True(w, call.Waiting())
		w.Remove(gate)
		require.True(w, call.Get())
	})
}

func TestFault38_GateThatMayNotBeRead(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/barriers", "")
		p := w.Process()
		g := barrier.New(p.Manager, gate)
		set, err := g.IsSet(w.Context())
		require.NoError(w, err)
		require.False(w, set)
		require.NoError(w, barrier.New(owner.Manager, gate).Set(w.Context()))
		set, err = g.IsSet(w.Context())
		require.NoError(w, err)
		require.True(w, set)
		require.NoError(w, g.Set(w.Context()), "it is set")
	})
}

// Servers do not tell of the end of a gate that the waiter may not read.
func TestFault39_GateThatMayNotBeRead(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		g := barrier.New(owner.Manager, gate)
		require.NoError(w, g.Set(w.Context()))
		call := wait(w.Process())
		time.Sleep(time.Hour)
		require.True(w, call.Waiting())
		require.NoError(w, g.Lift(w.Context()))
		start := time.Now()
		require.True(w, call.Get())
		require.LessOrEqual(w, time.Since(start), 13*time.Second)
	})
}

// The gate's ACL changes under the wait; then the gate is lifted.
func TestFault39_GateIsShutUnderTheWait(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put(gate, "")
		call := wait(w.Process(testworld.Guest))
		time.Sleep(time.Hour)
		w.Shut(gate)
		w.Put(gate, "x") // which uses the server's watch up
		time.Sleep(time.Hour)
		require.True(w, call.Waiting())
		w.Remove(gate)
		start := time.Now()
		require.True(w, call.Get())
		require.LessOrEqual(w, time.Since(start), 13*time.Second)
	})
}

// The gate is lifted and set anew, hidden, while the waiter is cut off, and
// lifted later.
func TestFault39_GateIsHiddenWhileCutOff(t *testing.T) {
	for _, away := range []time.Duration{2 * time.Second, time.Minute} {
		testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
			w.Put(gate, "")
			p := w.Process()
			call := wait(p)
			time.Sleep(time.Second)
			p.Link.Cut(zktest.Both)
			p.Link.Disconnect()
			w.Remove(gate)
			g := barrier.New(owner.Manager, gate)
			require.NoError(w, g.Set(w.Context()))
			time.Sleep(away)
			p.Link.Heal()
			time.Sleep(time.Hour)
			require.NoError(w, g.Lift(w.Context()))
			start := time.Now()
			require.True(w, call.Get())
			require.LessOrEqual(w, time.Since(start), 13*time.Second)
		})
	}
}

// A gate that may be read costs no look, however long the wait.
func TestFault39_ReadableGateCostsNoLook(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(gate, "")
		p := w.Process()
		wait(p)
		w.Count(func() {})
		counts := w.Count(func() { time.Sleep(time.Hour) })
		require.Zero(w, counts["exists"])
		require.Zero(w, counts["getData"])
	})
}

// A member that may not be read is at the barrier, and the others are
// described.
func TestFault38_HiddenMember(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put(dir, "")
		enter(owner, 3, "a")
		p := w.Process()
		enter(p, 3, "b")
		status, err := barrier.NewDouble(p.Manager, dir, 3).Status(w.Context())
		require.NoError(w, err)
		require.Len(w, status.Members, 2)
		hidden := 0
		for _, m := range status.Members {
			if m.Hidden {
				hidden++
				require.Equal(w, "a", m.ID)
			} else {
				require.Equal(w, "b", m.ID)
				require.Equal(w, session.ID(p.Current().ID()), m.Session)
			}
		}
		require.Equal(w, 1, hidden)
	})
}

// Set and Lift change gates alone, of any library.
func TestFault25_GatesAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		g := barrier.New(p.Manager, gate)
		for _, data := range []string{`{"qps":2}`, "true", `{"host":"h","pid":1,"id":"a lock's holder"}`, `{"host":"h","pid":1,"port":2}`, "\x00\x00\x00\x00\x00\x00\x00\x05"} {
			w.Put(gate, data)
			require.ErrorIs(w, g.Lift(w.Context()), session.ErrForeign)
			require.ErrorIs(w, g.Set(w.Context()), session.ErrForeign)
			require.Equal(w, data, w.Data(gate))
		}
		w.Remove(gate)
		_, err := p.Create(w.Context(), gate, nil, session.Ephemeral)
		require.NoError(w, err)
		err = g.Lift(w.Context())
		require.ErrorIs(w, err, session.ErrForeign)
		require.ErrorContains(w, err, "belongs to the session")
		w.Remove(gate)
		for _, data := range []string{"", "127.0.0.1"} { // a config key, as its life shows
			w.Put(gate, data)
			w.Put(gate, data)
			require.ErrorIs(w, g.Lift(w.Context()), session.ErrForeign, "written over")
			require.ErrorIs(w, g.Set(w.Context()), session.ErrForeign, "written over")
			w.Remove(gate)
			w.Put(gate, data)
			w.Put("/barriers/.history/gate", "")
			require.ErrorIs(w, g.Lift(w.Context()), session.ErrForeign, "its values are kept")
			w.Remove("/barriers/.history/gate")
			w.Remove(gate)
		}
		w.Put("/barriers/queue-0000000001", "")
		require.ErrorIs(w, barrier.New(p.Manager, "/barriers/queue-0000000001").Lift(w.Context()), session.ErrForeign, "an empty item")
		w.Put(gate+"/a", "")
		w.Remove(gate + "/a")
		require.ErrorIs(w, g.Lift(w.Context()), session.ErrForeign, "the empty directory of something")
		w.Remove(gate)
		for _, data := range []string{"", "127.0.0.1", "fe80::1"} { // kazoo's, Curator's
			w.Put(gate, data)
			require.NoError(w, g.Set(w.Context()))
			require.NoError(w, g.Lift(w.Context()))
			_, found := w.Srv.Node(gate)
			require.False(w, found)
		}
	})
}

// A gate that another gate has taken the place of between the look and the
// delete is lifted too; anything else is not.
func TestFault25_AnotherNodeBetweenLookAndDelete(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		g := barrier.New(w.Process().Manager, gate)
		require.NoError(w, g.Set(w.Context()))
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpDelete && r.Path == gate }, func() zktest.Action {
			w.Put(gate, "now a config key")
			return zktest.Pass
		})
		require.ErrorIs(w, g.Lift(w.Context()), session.ErrForeign)
		require.Equal(w, "now a config key", w.Data(gate))
	})
}

// A gate that may not be read may be anything: it is left.
func TestFault25_HiddenGate(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/barriers", "")
		require.NoError(w, barrier.New(owner.Manager, gate).Set(w.Context()))
		require.ErrorIs(w, barrier.New(w.Process().Manager, gate).Lift(w.Context()), session.ErrNoAuth)
		_, found := w.Srv.Node(gate)
		require.True(w, found)
	})
}

// A rendezvous does not overwrite its directory's data, and does not begin in
// another recipe's directory.
func TestFault25_RendezvousInAnotherRecipe(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/lock/_c_0c42bf25-0f3d-4b3c-9d0c-6f2f3f4a5b6c-lock-0000000001", "")
		w.Put("/q/items/queue-0000000001", "")
		w.Put("/key", `{"qps":2}`)
		for _, path := range []string{"/lock", "/q/items", "/key"} {
			before, _ := w.Srv.Node(path)
			_, err := barrier.NewDouble(p.Manager, path, 1).Enter(w.Context())
			require.ErrorIs(w, err, session.ErrForeign, path)
			w.Eventually(func() bool { return len(w.Children(path)) == len(before.Children) }, "the member has gone")
			after, _ := w.Srv.Node(path)
			require.Equal(w, before.Stat.Version, after.Stat.Version, path)
			require.Equal(w, before.Data, after.Data, path)
		}
		w.Put(dir, "10.0.0.1") // as Curator makes it
		_, err := barrier.NewDouble(p.Manager, dir, 1).Enter(w.Context())
		require.NoError(w, err)
		require.Equal(w, "10.0.0.1", w.Data(dir))
	})
}

// A rendezvous does not clear away a "ready" that is not a round's.
func TestFault25_ReadyOfAStranger(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(ready, "yes, we are")
		_, err := barrier.NewDouble(w.Process().Manager, dir, 2).Enter(w.Context())
		require.ErrorIs(w, err, session.ErrForeign)
		require.Equal(w, "yes, we are", w.Data(ready))
		for _, data := range []string{"", "127.0.0.1"} {
			w.Put(ready, data)
			enter(w.Process(), 1, "a").Get()
			w.Remove(dir + "/member-a")
		}
	})
}
