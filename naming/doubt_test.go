package naming_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// anew has another process create the instance's znode again, with the version
// that it had.
func anew(w *testworld.World, path string) func() {
	return func() {
		if _, found := w.Srv.Node(path); found {
			w.Remove(path)
		}
		w.Put(path, "theirs")
	}
}

// A request for a static instance is done, its answer lost, and another process
// registers one of the same name: that one is not touched.
func TestFault04_StaticInstanceLeavesTheNextAlone(t *testing.T) {
	const node = orders + "/db"
	for name, c := range map[string]struct {
		op    zktest.Op
		write func(w *testworld.World, g *naming.Registration) error
		check func(t *testing.T, err error)
	}{
		"drain": {zktest.OpSetData, func(w *testworld.World, g *naming.Registration) error { return g.Drain(w.Context()) },
			func(t *testing.T, err error) { require.ErrorIs(t, err, session.ErrUnknownOutcome) }},
		"unregister": {zktest.OpDelete, func(w *testworld.World, g *naming.Registration) error { return g.Unregister(w.Context()) },
			func(t *testing.T, err error) { require.NoError(t, err, "the registered one has gone") }},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				in := at("db", "h1")
				in.Type = naming.Static
				g := register(p, in)
				p.Meddle(testworld.Is(c.op, node), anew(w, node))
				c.check(t, c.write(w, g))
				require.NoError(t, p.Sync(w.Context(), "/"))
				require.Equal(t, "theirs", w.Data(node))
				require.NoError(t, g.Unregister(w.Context()))
				require.Equal(t, "theirs", w.Data(node))
			})
		})
	}
	t.Run("register", func(t *testing.T) {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			w.Put(orders+"/other", "")
			p.Meddle(testworld.Is(zktest.OpCreate, node), func() { w.Remove(node) })
			in := at("db", "h1")
			in.Type = naming.Static
			_, err := registry(p).Register(w.Context(), in)
			require.ErrorIs(t, err, session.ErrUnknownOutcome)
			_, found := w.Srv.Node(node)
			require.False(t, found, "others have removed it")
		})
	})
}

// An operator drains an instance, the answer is lost, and the instance is
// registered again: the new one is not drained.
func TestFault04_SetDrainingLeavesTheNextAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, operator := w.Process(), w.Process()
		g := register(p, at("1", "h1"))
		node := orders + "/1"
		again := make(chan *naming.Registration, 1)
		operator.Meddle(testworld.Is(zktest.OpSetData, node), func() {
			go func() {
				var next *naming.Registration
				if g.Unregister(w.Context()) == nil {
					next, _ = registry(p).Register(w.Context(), at("1", "h1"))
				}
				again <- next
			}()
		})
		err := registry(operator).SetDraining(w.Context(), "orders", "1", true)
		require.ErrorIs(t, err, session.ErrUnknownOutcome)
		require.NotNil(t, <-again)
		require.NotContains(t, w.Data(node), "draining")
	})
}

// Another client deletes an instance's znode, and the server lags: the event is
// late, and another process has taken the place. The first process leaves that
// instance alone.
func TestFault06_InstanceLeavesTheNextAlone(t *testing.T) {
	for name, act := range map[string]func(w *testworld.World, g *naming.Registration){
		"unregister": func(w *testworld.World, g *naming.Registration) { require.NoError(w, g.Unregister(w.Context())) },
		"update": func(w *testworld.World, g *naming.Registration) {
			require.Error(w, g.Drain(w.Within(time.Minute)), "another stands in its place")
		},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				a, b := w.Process(), w.Process()
				g := register(a, at("1", "h1"))
				w.Srv.Lag(a.Current().ID())
				w.Remove(orders + "/1")
				_, err := b.Create(w.Context(), orders+"/1", []byte("theirs"), session.Ephemeral)
				require.NoError(t, err)
				require.True(t, g.State().In, "the event is late")
				act(w, g)
				time.Sleep(time.Minute)
				require.Equal(t, "theirs", w.Data(orders+"/1"))
			})
		})
	}
}

func TestFault09_NamingOnAThrottledServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Throttle()
		for _, kind := range []naming.ServiceType{naming.Dynamic, naming.DynamicSequential, naming.Static} {
			in := at("1", "h1")
			in.Type = kind
			g := register(p, in)
			require.NoError(t, g.Drain(w.Context()))
			require.NoError(t, g.Unregister(w.Context()))
			require.Empty(t, w.Children(orders))
		}
		names := naming.NewNames(p.Manager, "/names", "n-")
		first, err := names.Next(w.Context())
		require.NoError(t, err)
		second, err := names.Next(w.Context())
		require.NoError(t, err)
		require.Less(t, first, second)
		for range 3 {
			id, err := naming.NewWorkers(p.Manager, "/workers", 1).Acquire(w.Context(), "me")
			require.NoError(t, err)
			require.NoError(t, id.Release())
		}
	})
}
