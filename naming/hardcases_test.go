package naming_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/zktest"
)

// The old session's znode still exists when the next session begins. It is
// replaced, so that the instance does not vanish for watchers a moment later.
func TestHardCase22_OldSessionsInstance(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process(testworld.Timeout(10 * time.Second))
		g := register(a, at("o1", "h1"))
		token := g.State().Token
		s := watch(w.Process())
		o := observe(w, s)
		o.take()
		old := a.Current()
		a.Link.Cut(zktest.Both)
		<-old.Done()
		require.False(w, g.State().In)
		require.Equal(w, []string{"o1"}, w.Children(orders), "the ghost stands")
		a.Link.Heal()
		w.Eventually(func() bool { return g.State().In }, "it is in again")
		require.Greater(w, g.State().Token, token)
		info, _ := w.Srv.Node(orders + "/o1")
		require.Equal(w, a.Current().ID(), info.Stat.EphemeralOwner)
		time.Sleep(time.Minute)
		require.NotContains(w, o.take(), "-o1")
		require.Equal(w, "o1=h1", settled(s))
	})
}

// The connection is lost and comes back, servers restart: nothing is written,
// and watchers see nothing.
func TestHardCase23_NoFlapWhereTheSessionLives(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		for i, kind := range []naming.ServiceType{naming.Dynamic, naming.Static, naming.DynamicSequential} {
			in := at("o"+kind.String(), "h")
			in.Type = kind
			a := w.Process()
			g := register(a, in)
			s := watch(w.Process())
			list := s.Load()
			changes := w.Changes()
			counts := w.Count(func() {
				for range 5 {
					a.Link.Disconnect()
					time.Sleep(time.Second)
					w.Srv.Restart()
					time.Sleep(time.Second)
				}
			})
			for _, write := range []string{"create", "create2", "delete", "setData"} {
				require.Zero(w, counts[write], "%s: %v", kind, counts)
			}
			require.LessOrEqual(w, counts["multi"], 5*(i+1), "a check for each reconnection of each watcher")
			require.Equal(w, changes, w.Changes())
			w.Eventually(func() bool { return !s.Stale() }, "it is current")
			require.Same(w, &list[0], &s.Load()[0])
			require.NoError(w, g.Unregister(w.Context()))
		}
	})
}

// After a lost session, the znode has the data of the newest Update, even of
// one during the outage. An instance that was unregistered during the outage
// does not come back.
func TestHardCase24_NeverStaleNorAPhantom(t *testing.T) {
	for _, kind := range []naming.ServiceType{naming.Dynamic, naming.DynamicSequential} {
		testworld.Run(t, func(w *testworld.World) {
			a := w.Process()
			in := at("o1", "h1")
			in.Type = kind
			g := register(a, in)
			in.Address = "h2"
			require.NoError(w, g.Update(w.Context(), in))
			a.Link.Cut(zktest.Both)
			in.Address = "h3"
			require.ErrorIs(w, g.Update(w.Within(time.Second), in), context.DeadlineExceeded)
			time.Sleep(time.Minute)
			seen := make(map[string]bool)
			stop := w.Srv.OnChange(func(zktest.Change) {
				for _, name := range w.Children(orders) {
					if data := w.Data(orders + "/" + name); data != "" { // empty within a transaction
						seen[data[strings.Index(data, `"h`):][:4]] = true
					}
				}
			})
			a.Link.Heal()
			w.Eventually(func() bool { return g.State().In }, "in again")
			stop()
			require.Len(w, w.Children(orders), 1)
			require.Equal(w, map[string]bool{`"h3"`: true}, seen)
			require.Equal(w, "h3", g.Instance().Address)

			// Unregistered at each of the requests with which the next session
			// begins.
			for n := range 6 {
				h := register(a, naming.Instance{Service: "orders", ID: "phantom", Type: kind})
				count := 0
				remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if strings.HasPrefix(r.Path, orders+"/phantom") {
						if count++; count == n+1 {
							go func() { _ = h.Unregister(context.Background()) }()
							return zktest.Delay(time.Second)
						}
					}
					return zktest.Pass
				})
				a.Expire()
				time.Sleep(5 * time.Second)
				require.NoError(w, h.Unregister(w.Context()))
				remove()
				time.Sleep(time.Minute)
				synctest.Wait()
				for _, name := range w.Children(orders) {
					require.NotContains(w, name, "phantom")
				}
			}
		})
	}
}

// Unregister during an outage: it may be called again, and when the server is
// back nothing is left.
func TestHardCase27_UnregisterDuringAnOutage(t *testing.T) {
	for _, kind := range []naming.ServiceType{naming.Dynamic, naming.Static, naming.DynamicSequential} {
		for _, outage := range []time.Duration{2 * time.Second, time.Hour} {
			testworld.Run(t, func(w *testworld.World) {
				a := w.Process()
				in := at("o1", "h1")
				in.Type = kind
				g := register(a, in)
				w.Srv.Freeze()
				for range 2 {
					err := g.Unregister(w.Within(100 * time.Millisecond))
					require.ErrorIs(w, err, context.DeadlineExceeded)
					require.ErrorContains(w, err, "goes on in the background")
				}
				require.ErrorIs(w, g.Unregister(testworld.Cancelled()), context.Canceled)
				require.EqualError(w, g.State().Err, "released by its owner: Unregister was called")
				time.Sleep(outage)
				w.Srv.Thaw()
				<-g.Done()
				require.NoError(w, g.Unregister(w.Context()))
				time.Sleep(time.Minute)
				require.Empty(w, w.Children(orders))
			})
		}
	}
}

// A server refuses the removal once: the next call removes.
func TestHardCase27_UnregisterIsRefusedOnce(t *testing.T) {
	for _, kind := range []naming.ServiceType{naming.Dynamic, naming.Static} {
		testworld.Run(t, func(w *testworld.World) {
			in := at("o1", "h1")
			in.Type = kind
			g := register(w.Process(), in)
			stop := w.Fail(zktest.OpDelete, orders+"/o1", zktest.CodeNoAuth)
			err := g.Unregister(w.Context())
			require.ErrorContains(w, err, "unregister instance /services/orders/o1")
			stop()
			require.NoError(w, g.Unregister(w.Context()))
			require.Empty(w, w.Children(orders))
			<-g.Done()
		})
	}
}

// The number that the server appends belongs to the deleted znode, and no
// session leaves a znode over.
func TestHardCase28_SequentialInstance(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		in := at("web-", "h1")
		in.Type = naming.DynamicSequential
		g := register(a, in)
		h := register(a, in)
		require.Equal(w, "web-0000000000", g.Instance().ID)
		require.Equal(w, "web-0000000001", h.Instance().ID)
		s := watch(w.Process())
		require.Equal(w, "web-0000000000=h1 web-0000000001=h1", showView(s.View()))
		require.Contains(w, w.Data(g.Path()), `"id":"web-"`, "the JSON has the id as it was given")

		for range 3 {
			a.Sever()
			a.Link.Heal()
			w.Eventually(func() bool { return g.State().In && h.State().In }, "in again")
			require.Len(w, w.Children(orders), 2)
		}
		require.NoError(w, g.Drain(w.Context()))
		require.Equal(w, g.Instance().ID, g.Path()[len(orders)+1:])
		read := s.View()
		w.Eventually(func() bool { read = s.View(); return read.Len() == 2 && !read.Stale }, "seen")
		updated := g.Instance()
		updated.Draining = false
		require.NoError(w, g.Update(w.Context(), updated), "by the name of its node")
		require.Contains(w, w.Data(g.Path()), `"id":"web-"`)
		require.NoError(w, g.Unregister(w.Context()))
		require.Equal(w, []string{h.Instance().ID}, w.Children(orders))
		require.NoError(w, h.Unregister(w.Context()))
		require.Empty(w, w.Children(orders))
	})
}

// After a long outage, and after a short one, a watch shows what happened
// meanwhile.
func TestHardCase63_64_WatchAfterOutages(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		g := register(a, at("o1", "h1"))
		s := watch(b, naming.ProtectEmpty(0))
		for _, outage := range []time.Duration{time.Second, time.Minute, 10 * time.Hour} {
			b.Link.Cut(zktest.Both)
			time.Sleep(outage / 2)
			require.NoError(w, g.Unregister(w.Context()))
			g = register(a, at("o1", "after-"+outage.String()))
			time.Sleep(outage / 2)
			b.Link.Heal()
			w.Eventually(func() bool { return !s.Stale() && showView(s.View()) == "o1=after-"+outage.String() }, "%s", outage)
		}
	})
}

// While servers refuse everything, the number of requests is bounded: pauses
// grow, and nothing multiplies.
func TestHardCase75_RefusedRequestsArePaced(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		g := register(p, at("o1", "h1"))
		s := watch(p)
		stop := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if strings.HasPrefix(r.Path, orders) {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		w.Remove(orders + "/o1")
		counts := w.Count(func() { time.Sleep(time.Hour) })
		total := 0
		for op, n := range counts {
			if op != "sync" { // which keeps the session
				total += n
			}
		}
		require.Less(w, total, 2500, "%v", counts)
		require.False(w, g.State().In)
		stop()
		w.Eventually(func() bool { return g.State().In && showView(s.View()) == "o1=h1" }, "all is well again")
		require.False(w, errors.Is(s.View().Err, naming.ErrOffline))
	})
}
