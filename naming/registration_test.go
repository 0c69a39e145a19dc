package naming_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// An instance is the same for its process and for its readers: its time
// has no clock of the process, and nothing below a millisecond.
func TestRegistered_asOthersReadIt(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		given := at("o1", "h1")
		given.Registered = time.Now().Add(1234567 * time.Nanosecond)
		g := register(w.Process(), given)
		read := func() naming.Instance {
			in, err := naming.Curator().Decode("orders", "o1", []byte(w.Data(orders+"/o1")))
			require.NoError(w, err)
			return in
		}
		require.Equal(w, read().Registered, g.Instance().Registered)
		require.True(w, read().Equal(g.Instance()))
		given = g.Instance()
		given.Registered = time.Now().Add(7654321 * time.Nanosecond)
		require.NoError(w, g.Update(w.Context(), given))
		require.Equal(w, read().Registered, g.Instance().Registered)
	})
	testworld.Run(t, func(w *testworld.World) {
		g := register(w.Process(), at("o1", "h1")) // at the present time
		read, err := naming.Curator().Decode("orders", "o1", []byte(w.Data(orders+"/o1")))
		require.NoError(w, err)
		require.Equal(w, read.Registered, g.Instance().Registered)
	})
}

func TestRegister(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		g := register(a, at("o1", "h1"))
		require.Equal(w, []string{"o1"}, w.Children(orders))
		info, _ := w.Srv.Node(orders + "/o1")
		require.Equal(w, session.Presence{In: true, Token: info.Stat.Czxid, Session: session.ID(a.Current().ID())}, g.State())
		require.Equal(w, orders+"/o1", g.Path())
		require.False(w, g.Instance().Registered.IsZero())
		read := func() naming.Instance {
			in, err := naming.Curator().Decode("orders", "o1", []byte(w.Data(orders+"/o1")))
			require.NoError(w, err)
			return in
		}
		require.True(w, read().Equal(g.Instance()))

		in := g.Instance()
		in.Metadata = map[string]string{"zone": "b"}
		in.Registered = time.Time{}
		require.NoError(w, g.Update(w.Context(), in))
		require.Equal(w, "b", read().Metadata["zone"])
		require.False(w, read().Registered.IsZero(), "an update keeps the time of registration")
		require.NoError(w, g.Drain(w.Context()))
		require.True(w, read().Draining)
		require.Equal(w, "b", read().Metadata["zone"])
		require.NoError(w, g.Undrain(w.Context()))
		require.False(w, read().Draining)
		for _, bad := range []func(*naming.Instance){
			func(in *naming.Instance) { in.Service = "other" },
			func(in *naming.Instance) { in.ID = "other" },
			func(in *naming.Instance) { in.Type = naming.Static },
		} {
			other := g.Instance()
			bad(&other)
			require.ErrorContains(w, g.Update(w.Context(), other), "cannot change service, id or type")
		}

		require.NoError(w, g.Unregister(w.Context()))
		<-g.Done()
		require.Empty(w, w.Children(orders))
		require.EqualError(w, g.State().Err, "released by its owner: Unregister was called")
		require.ErrorIs(w, g.State().Err, session.ErrReleased)
		require.ErrorIs(w, g.Update(w.Context(), in), session.ErrReleased)
		require.NoError(w, g.Unregister(w.Context()))

		g = register(a, naming.Instance{Service: "orders", Address: "h"})
		require.Len(w, g.Instance().ID, 36, "an id of its own")
		require.NoError(w, a.Close())
		<-g.Done()
		require.ErrorIs(w, g.State().Err, session.ErrClosed)
	})
}

func TestRegisterRefuses(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for _, in := range []naming.Instance{
			{Service: "a/b", ID: "x"}, {Service: "", ID: "x"}, {Service: "..", ID: "x"},
			{Service: "s", ID: "a/b"}, {Service: "s", ID: "a\n"}, {Service: "s", ID: "x", Port: -1},
		} {
			_, err := registry(p).Register(w.Context(), in)
			var op *session.OpError
			require.ErrorAs(w, err, &op, "%+v", in)
			require.Equal(w, "register instance", op.Op)
			require.NotContains(w, err.Error(), "naming: ")
		}
		_, err := registry(p).Open(w.Context(), "a/b")
		require.ErrorContains(w, err, `service "a/b"`)
		for _, base := range []string{"services", "/a/", "/"} {
			r := registry(p, naming.Base(base))
			_, err := r.Register(w.Context(), at("x", "h"))
			require.ErrorContains(w, err, "invalid path")
			_, err = r.Open(w.Context(), "orders")
			require.ErrorContains(w, err, "invalid path")
			_, err = r.Services(w.Context())
			require.ErrorContains(w, err, "invalid path")
			require.ErrorContains(w, r.SetDraining(w.Context(), "orders", "x", true), "invalid path")
		}
		require.Empty(w, w.Srv.Paths())
		big := at("x", "h")
		big.Metadata = map[string]string{"k": strings.Repeat("x", 1<<20)}
		_, err = registry(p).Register(w.Context(), big)
		require.ErrorIs(w, err, session.ErrTooLarge)
		big.Type = naming.Static
		_, err = registry(p).Register(w.Context(), big)
		require.ErrorIs(w, err, session.ErrTooLarge)
		_, err = registry(p).Register(testworld.Cancelled(), at("x", "h"))
		require.ErrorIs(w, err, context.Canceled)
		require.Empty(w, w.Srv.Paths())
		dubbo := registry(p, naming.Layout(naming.Dubbo()))
		_, err = dubbo.Register(w.Context(), naming.Instance{Service: "a/b", Address: "h"})
		require.ErrorContains(w, err, `service "a/b"`)
		_, err = dubbo.Register(w.Context(), naming.Instance{Service: "a b", ID: "a/b", Address: "h"})
		require.NoError(w, err, "Dubbo encodes what it can, and makes its own ids")
		require.Equal(w, []string{"a+b"}, w.Children("/dubbo"))
	})
}

// Two processes register one id: the second gets an error, the first is
// undisturbed.
func TestDuplicateID(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		g := register(a, at("o1", "h1"))
		before := w.Data(orders + "/o1")
		for _, opts := range [][]naming.RegisterOption{nil, {naming.Refuse()}} {
			_, err := registry(b).Register(w.Context(), at("o1", "h2"), opts...)
			require.ErrorIs(w, err, session.ErrIDTaken)
			require.ErrorContains(w, err, "register instance /services/orders/o1: the id is in use: session 0x")
			require.ErrorContains(w, err, " holds it; choose another id, or end the process that holds it")
		}
		_, err := registry(a).Register(w.Context(), at("o1", "h2"))
		require.ErrorIs(w, err, session.ErrIDTaken)
		require.ErrorContains(w, err, fmt.Sprintf("the id is in use: this process holds it, in session 0x%x; choose another id, or give up the first", uint64(a.Current().ID())))
		static := at("o1", "h2")
		static.Type = naming.Static
		_, err = registry(b).Register(w.Context(), static)
		require.ErrorIs(w, err, session.ErrIDTaken)
		require.Equal(w, before, w.Data(orders+"/o1"))
		require.True(w, g.State().In)

		h := register(b, at("o1", "h2"), naming.Replace())
		require.True(w, h.State().In)
		w.Eventually(func() bool { return !g.State().In }, "the first is out")
		require.ErrorIs(w, g.State().Err, session.ErrReplaced)
		require.ErrorIs(w, g.Update(w.Context(), g.Instance()), session.ErrReplaced)

		w.Put(orders+"/o2", "by hand")
		_, err = registry(b).Register(w.Context(), at("o2", "h2"))
		require.ErrorIs(w, err, session.ErrNotEphemeral)
	})
}

func TestStatic(t *testing.T) {
	for _, kind := range []naming.ServiceType{naming.Static, naming.Permanent} {
		testworld.Run(t, func(w *testworld.World) {
			a := w.Process()
			in := at("db", "h1")
			in.Type = kind
			g := register(a, in)
			require.True(w, g.State().In)
			require.NoError(w, a.Close())
			<-g.Done()
			info, found := w.Srv.Node(orders + "/db")
			require.True(w, found, "it outlives its process")
			require.Zero(w, info.Stat.EphemeralOwner)

			b := w.Process()
			time.Sleep(time.Hour)
			counts := w.Count(func() { g = register(b, in) })
			require.Equal(w, map[string]int{"exists": 1, "create": 1, "sync": 1, "getData": 1, "getACL": 1, "multi": 1}, counts)
			in.Metadata = map[string]string{"v": "2"}
			g = register(b, in)
			require.Contains(w, w.Data(orders+"/db"), `"v":"2"`)

			other := in
			other.Address = "h2"
			_, err := registry(b).Register(w.Context(), other)
			require.ErrorIs(w, err, session.ErrIDTaken)
			require.ErrorContains(w, err, "the id is in use: a static instance with another address, ")
			require.ErrorContains(w, err, "; choose another id, or unregister that instance")
			require.Contains(w, w.Data(orders+"/db"), `"h1"`)
			replaced := g
			g = register(b, other, naming.Replace())
			require.Contains(w, w.Data(orders+"/db"), `"h2"`)
			require.ErrorIs(w, replaced.Drain(w.Context()), session.ErrNoNode, "the place belongs to another registration")
			require.Contains(w, w.Data(orders+"/db"), `"h2"`)

			require.NoError(w, g.Drain(w.Context()))
			require.Contains(w, w.Data(orders+"/db"), `"draining":"true"`)
			w.Remove(orders + "/db")
			require.ErrorIs(w, g.Undrain(w.Context()), session.ErrNoNode)
			require.True(w, g.Instance().Draining, "an update that failed changes nothing")
			again := register(b, in)
			require.ErrorIs(w, g.Undrain(w.Context()), session.ErrNoNode, "it is not ours any more")
			require.NoError(w, g.Unregister(w.Context()))
			require.Equal(w, []string{"db"}, w.Children(orders), "another registration is not removed")
			require.NoError(w, again.Unregister(w.Context()))
			require.NoError(w, again.Unregister(w.Context()))
			<-again.Done()
			require.Empty(w, w.Children(orders))
		})
	}
}

// The answers to all writes of a static instance are lost.
func TestStaticRepliesLost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		lose := func(op zktest.Op) {
			w.Once(func(r zktest.Request) bool { return r.Op == op && strings.HasPrefix(r.Path, orders+"/") },
				func() zktest.Action { return zktest.LoseReply })
		}
		in := at("db", "h1")
		in.Type = naming.Static
		lose(zktest.OpCreate)
		g := register(p, in)
		lose(zktest.OpSetData)
		require.NoError(w, g.Drain(w.Context()))
		require.Contains(w, w.Data(orders+"/db"), "draining")
		lose(zktest.OpDelete)
		require.NoError(w, g.Unregister(w.Context()))
		require.Empty(w, w.Children(orders))

		// Given up half-way: the error says that it may be there.
		stop := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpCreate && r.Path == orders+"/db" {
				return zktest.Delay(time.Minute)
			}
			return zktest.Pass
		})
		_, err := registry(p).Register(w.Within(time.Second), in)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorIs(w, err, session.ErrUnknownOutcome)
		stop()
	})
}

// What Dubbo's instances say is in the names of their nodes: a change makes
// another node before the old one goes.
func TestDubboUpdate(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		r := registry(p, naming.Layout(naming.Dubbo()))
		g, err := r.Register(w.Context(), naming.Instance{Service: "org.demo.Orders", Address: "10.0.0.1", Port: 20880})
		require.NoError(w, err)
		const dir = "/dubbo/org.demo.Orders/providers"
		s, err := r.Open(w.Context(), "org.demo.Orders", naming.ProtectEmpty(0))
		require.NoError(w, err)
		defer s.Close()
		o := observe(w, s)
		o.take()
		least := 9
		w.Srv.OnChange(func(zktest.Change) {
			info, _ := w.Srv.Node(dir)
			least = min(least, len(info.Children))
		})
		require.NoError(w, g.Drain(w.Context()))
		require.Len(w, w.Children(dir), 1)
		require.Equal(w, 1, least, "never none")
		require.Contains(w, g.Path(), "enabled%3Dfalse")
		require.Equal(w, g.Path(), dir+"/"+w.Children(dir)[0])
		require.True(w, s.Load()[0].Draining || settled(s) != "")
		require.NoError(w, g.Drain(w.Context()), "nothing changes")
		require.Error(w, r.SetDraining(w.Context(), "org.demo.Orders", w.Children(dir)[0], false))
		names, err := r.Services(w.Context())
		require.NoError(w, err)
		require.Equal(w, []string{"org.demo.Orders"}, names)

		// Hard case 24 for names: after an outage only the newest znode exists.
		p.Sever()
		p.Link.Heal()
		w.Eventually(func() bool { return g.State().In }, "it is in again")
		require.Len(w, w.Children(dir), 1)
		require.Contains(w, w.Children(dir)[0], "enabled%3Dfalse")

		// An update that fails to make the new node changes nothing.
		stop := w.Srv.Intercept(func(q zktest.Request) zktest.Action {
			if q.Op == zktest.OpCreate && strings.Contains(q.Path, "weight") {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		in := g.Instance()
		in.Weight = 7
		require.ErrorIs(w, g.Update(w.Context(), in), session.ErrNoAuth)
		require.Equal(w, 100, g.Instance().Weight+100*btoi(g.Instance().Weight == 0))
		stop()
		require.NoError(w, g.Update(w.Context(), in))
		require.Contains(w, w.Children(dir)[0], "weight%3D7")
		require.NoError(w, g.Unregister(w.Context()))
		<-g.Done()
		require.Empty(w, w.Children(dir))
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Unregister while an Update is under way leaves nothing, whichever node was
// being made.
func TestUnregisterDuringUpdate(t *testing.T) {
	for _, codec := range []naming.Codec{naming.Curator(), naming.Dubbo()} {
		for _, op := range []zktest.Op{zktest.OpCreate, zktest.OpSetData, zktest.OpDelete, zktest.OpGetData} {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				r := registry(p, naming.Layout(codec))
				g, err := r.Register(w.Context(), at("o1", "h1"))
				require.NoError(w, err)
				dir, err := codec.Dir(codec.Base(), "orders")
				require.NoError(w, err)
				stop := w.Srv.Intercept(func(q zktest.Request) zktest.Action {
					if q.Op == op && strings.HasPrefix(q.Path, dir+"/") {
						return zktest.Delay(time.Second)
					}
					return zktest.Pass
				})
				update := testworld.Go(w, func(ctx context.Context) (struct{}, error) { return struct{}{}, g.Drain(ctx) })
				require.NoError(w, g.Unregister(w.Context()))
				if _, err := update.Result(); err != nil {
					require.ErrorIs(w, err, session.ErrReleased)
				}
				stop()
				time.Sleep(time.Minute)
				synctest.Wait()
				require.Empty(w, w.Children(dir))
				<-g.Done()
			})
		}
	}
}

// Changes tells when the instance is in and when it is out.
func TestRegistrationChanges(t *testing.T) {
	for _, kind := range []naming.ServiceType{naming.Dynamic, naming.Static} {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			in := at("o1", "h1")
			in.Type = kind
			follow := func(g *naming.Registration) *testworld.Call[string] {
				return testworld.Go(w, func(ctx context.Context) (string, error) {
					var seen []string
					for s, err := range g.Changes(ctx) {
						switch {
						case err != nil:
							require.ErrorIs(w, err, session.ErrClosed)
							seen = append(seen, "closed")
						case s.In:
							seen = append(seen, "in")
						default:
							seen = append(seen, "out")
						}
					}
					return strings.Join(seen, " "), nil
				})
			}
			g := register(p, in)
			call := follow(g)
			given := follow(g)
			require.True(w, call.Waiting())
			want := "^in out$"
			if kind == naming.Dynamic {
				old := g.State().Session
				late := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Op == zktest.OpCreate && r.Path == orders+"/o1" {
						return zktest.Delay(time.Second) // what lasts for no time may not be told
					}
					return zktest.Pass
				})
				p.Expire()
				w.Eventually(func() bool { return g.State().In && g.State().Session != old }, "in again")
				late()
				want = "^in( out)+ in out$" // one reason or two
			}
			text, err := given.GiveUp()
			require.NoError(w, err)
			require.Contains(w, text, "in")
			require.NoError(w, g.Unregister(w.Context()))
			require.Regexp(w, want, call.Get())
			call = follow(register(p, in))
			require.NoError(w, p.Close())
			require.Equal(w, "in closed", call.Get())
		})
	}
}
