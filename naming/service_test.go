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

func TestWatch(t *testing.T) {
	testworld.EachRelease(t, func(w *testworld.World, _ zktest.Release) {
		a, b := w.Process(), w.Process()
		s := watch(b, naming.ProtectEmpty(0))
		require.Equal(w, "", showView(s.View()), "a service that does not exist is empty, and known")
		require.Equal(w, "orders", s.Name())
		o := observe(w, s)
		require.Equal(w, "[]", o.take())
		g := register(a, at("o1", "h1"))
		require.Equal(w, "[+o1]", o.take())
		h := register(a, at("o2", "h2"))
		require.Equal(w, "[+o2]", o.take())
		require.Equal(w, "o1=h1 o2=h2", showView(s.View()))
		require.NoError(w, g.Drain(w.Context()))
		require.Equal(w, "[~o1]", o.take())
		require.Zero(w, testing.AllocsPerRun(1000, func() { s.Load() }))
		loaded := s.Load()
		w.Put(orders+"/o1", w.Data(orders+"/o1"))
		require.Empty(w, o.take(), "written as it was")
		require.Same(w, &loaded[0], &s.Load()[0], "no balancer has to prepare anything")

		only := watch(b, naming.Filter(naming.Instance.Available))
		require.Equal(w, "o2=h2", showView(only.View()))
		require.NoError(w, g.Unregister(w.Context()))
		require.Equal(w, "[-o1]", o.take())
		require.NoError(w, h.Unregister(w.Context()))
		require.Equal(w, "[-o2]", o.take())
		require.Equal(w, "", settled(s))

		s.Close()
		s.Close()
		<-s.Done()
		require.NoError(w, o.Wait())
		require.Equal(w, "[]?", o.take())
		require.EqualError(w, s.View().Err, `the service "orders" is closed`)
		require.ErrorIs(w, s.View().Err, session.ErrClosed)
		require.True(w, s.Stale())

		o = observe(w, only)
		o.take()
		require.NoError(w, b.Close())
		require.NoError(w, o.Wait())
		require.Regexp(w, `^(\[\]\?! ){1,2}E$`, o.take(), "away, and then closed")
		require.ErrorIs(w, o.Errs()[0], session.ErrClosed)
		_, err := registry(b).Open(w.Context(), "orders")
		require.ErrorIs(w, err, session.ErrClosed)
	})
}

func TestWatchRefuses(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for text, opt := range map[string]naming.OpenOption{
			"the option ProtectEmpty(-1ns) is negative; give 0 or more": naming.ProtectEmpty(-1),
			"the option Pause(-1ns) is negative; give 0 or more":        naming.Pause(-1),
			"the option Limit(0) is too small; give 1 or more":          naming.Limit(0),
			"the option MaxBytes(0) is too small; give 1 or more":       naming.MaxBytes(0),
		} {
			_, err := registry(p).Open(w.Context(), "orders", opt)
			require.ErrorContains(w, err, text)
		}
		_, err := registry(p).Open(testworld.Cancelled(), "orders")
		require.ErrorIs(w, err, context.Canceled)
		p.Link.Cut(zktest.Both)
		_, err = registry(p).Open(w.Within(time.Minute), "orders")
		require.ErrorIs(w, err, context.DeadlineExceeded)
		p.Link.Heal()

		w.Put(orders, "")
		stop := w.Fail(zktest.OpGetChildren2, orders, zktest.CodeNoAuth)
		_, err = registry(p).Open(w.Context(), "orders")
		require.ErrorIs(w, err, session.ErrNoAuth)
		stop()
		// If the read is refused later, the last known instances stay, marked
		// as stale.
		register(p, at("o1", "h1"))
		s := watch(p)
		stop = w.Refuse(orders)
		register(p, at("o2", "h2"))
		require.Equal(w, "o1=h1 o2=h2?", settled(s), "the instance itself may be read")
		require.ErrorIs(w, s.View().Err, session.ErrNoAuth)
		stop()
		time.Sleep(time.Minute)
		require.Equal(w, "o1=h1 o2=h2", settled(s))
	})
}

// While ZooKeeper is away the last known instances are served, and marked.
func TestStale(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		register(a, at("o1", "h1"))
		s := watch(b)
		o := observe(w, s)
		require.Equal(w, "[+o1]", o.take())
		require.False(w, s.Stale())
		bal, err := s.Balancer(naming.RoundRobin())
		require.NoError(w, err)
		_, err = s.Balancer(naming.RoundRobin(), naming.DownAfter(0, 0, 0))
		require.Error(w, err)

		b.Link.Cut(zktest.Both)
		w.Eventually(s.Stale, "the loss is seen")
		require.Equal(w, "[]?", o.take())
		require.Equal(w, naming.ErrDisconnected, s.View().Err)
		register(a, at("o2", "h2"))
		time.Sleep(time.Hour)
		require.Equal(w, "o1=h1?", settled(s))
		require.Equal(w, "o1", pick(w, bal, ""))
		b.Link.Heal()
		w.Eventually(func() bool { return !s.Stale() && showView(s.View()) == "o1=h1 o2=h2" }, "it is current again")
		seen := o.take()
		require.Contains(w, seen, "+o2")
		require.NotContains(w, seen, "-")
		require.Equal(w, map[string]bool{"o1": true, "o2": true}, map[string]bool{pick(w, bal, ""): true, pick(w, bal, ""): true})

		// The connection breaks for a moment: nothing of the list changes.
		list := s.Load()
		b.Link.Disconnect()
		require.Regexp(w, `^(\[\]\? \[\])?$`, o.take())
		require.Same(w, &list[0], &s.Load()[0])
	})
}

// A connection that is back is not enough: the view is stale until all has
// been read again, and then says that it is not.
func TestStaleUntilRead(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		register(a, at("o1", "h1"))
		s := watch(b)
		registrant := a.Current().ID()
		for _, lose := range []func(){b.Link.Disconnect, func() { b.Sever() }} {
			stop := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Session != registrant && strings.HasPrefix(r.Path, orders) {
					return zktest.Delay(3 * time.Second)
				}
				return zktest.Pass
			})
			lose()
			w.Eventually(func() bool { return s.View().Stale }, "the loss is seen")
			b.Link.Heal()
			w.Eventually(func() bool { return b.State() == session.Connected }, "it is back")
			for range 10 {
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
				require.True(w, s.View().Stale)
			}
			stop()
			w.Eventually(func() bool { return !s.View().Stale }, "it is read")
			require.False(w, s.Stale())
		}
	})
}

// The connection goes while all is still being read again: the view does not
// wait for the end of that.
func TestStaleWhileReading(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		register(a, at("o1", "h1"))
		stop := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpExists && r.Path == orders {
				return zktest.Delay(time.Hour)
			}
			return zktest.Pass
		})
		s := watch(b)
		require.Equal(w, "o1=h1", settled(s))
		b.Link.Refuse(true)
		b.Link.Disconnect()
		require.Equal(w, "o1=h1?", settled(s))
		require.Equal(w, naming.ErrDisconnected, s.View().Err)
		stop()
		b.Link.Refuse(false)
		w.Eventually(func() bool { return showView(s.View()) == "o1=h1" }, "it is read")
	})
}

// All instances are gone at one stroke: the last are kept for a while, and a
// balancer goes on.
func TestProtectEmpty(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		g := register(a, at("o1", "h1"))
		h := register(a, at("o2", "h2"))
		s := watch(b, naming.ProtectEmpty(time.Minute))
		o := observe(w, s)
		o.take()
		require.NoError(w, g.Unregister(w.Context()))
		require.Equal(w, "[-o1]", o.take(), "one of two is gone, and seen to be")
		require.NoError(w, h.Unregister(w.Context()))
		require.Equal(w, "[]!", o.take())
		require.Equal(w, "o2=h2!", settled(s))
		time.Sleep(50 * time.Second)
		require.Equal(w, "o2=h2!", settled(s))
		time.Sleep(10 * time.Second)
		require.Equal(w, "", settled(s))
		require.Equal(w, "[-o2]", o.take())

		// The sessions of all are lost, and come back: never a moment without.
		register(a, at("o3", "h3"))
		o.take()
		a.Expire()
		w.Eventually(func() bool { return len(w.Children(orders)) == 1 }, "registered anew")
		require.NotContains(w, o.take(), "-o3")
		require.Equal(w, "o3=h3", settled(s))

		// The time does not run while ZooKeeper is away.
		a.Sever()
		require.Equal(w, "o3=h3!", settled(s))
		b.Link.Cut(zktest.Both)
		time.Sleep(time.Hour)
		require.Equal(w, "o3=h3?!", settled(s))
		b.Link.Heal()
		w.Eventually(func() bool { return !s.Stale() }, "it is back")
		require.Equal(w, "o3=h3!", settled(s))
		time.Sleep(time.Minute)
		require.Equal(w, "", settled(s))
	})
}

// All are gone, and come back one after the other. Each is shown as it is now,
// together with those that have not come back yet, until the time is over.
func TestProtectEmptyOneAfterTheOther(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		s := watch(b, naming.ProtectEmpty(time.Minute))
		seq := at("seq", "h3")
		seq.Type = naming.DynamicSequential
		register(a, at("o1", "h1"))
		register(a, at("o2", "h2"))
		register(a, seq)
		require.Equal(w, "o1=h1 o2=h2 seq0000000002=h3", settled(s))
		require.NoError(w, a.Close())
		require.Equal(w, "o1=h1 o2=h2 seq0000000002=h3!", settled(s))
		c := w.Process()
		g := register(c, at("o2", "new"))
		require.Equal(w, "o1=h1 o2=new seq0000000002=h3!", settled(s))
		register(c, seq)
		require.Equal(w, "o1=h1 o2=new seq0000000004=h3!", settled(s))
		require.NoError(w, g.Unregister(w.Context()))
		require.Equal(w, "o1=h1 seq0000000004=h3!", settled(s), "one that came back and went is gone")
		time.Sleep(time.Minute)
		require.Equal(w, "seq0000000004=h3", settled(s))
	})
}

// The watcher's own session is lost together with all sessions of the service.
func TestProtectEmptyOverSessions(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		register(a, at("o1", "h1"))
		s := watch(b)
		w.Srv.OnChange(func(zktest.Change) { require.NotEmpty(w, s.Load()) })
		for range 5 {
			a.Link.Cut(zktest.Both)
			b.Sever()
			b.Link.Heal()
			require.Equal(w, "o1=h1!", settled(s))
			time.Sleep(5 * time.Second)
			a.Link.Heal()
			w.Eventually(func() bool { return !s.Stale() && !s.View().Protected }, "the instance is back")
		}
	})
}

func TestHardCase59_FiveThousandInstances(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		for i := range 5000 {
			w.Put(fmt.Sprintf("%s/i%04d", orders, i), fmt.Sprintf(`{"address":"h%d","port":80}`, i))
		}
		p := w.Process()
		var s *naming.Service
		w.Count(func() { s = watch(p) })
		require.Len(w, s.Load(), 5000)
		bal, err := s.Balancer(naming.Hash())
		require.NoError(w, err)
		counts := w.Count(func() {
			w.Put(orders+"/i0007", `{"address":"other"}`)
			w.Remove(orders + "/i0008")
			time.Sleep(time.Second)
		})
		require.LessOrEqual(w, counts["getData"], 2, "what has not changed is not read again")
		require.Len(w, s.Load(), 4999)
		require.Equal(w, "other", s.Load()[7].Address)
		pick(w, bal, "key")
	})
}

// Another program has filled the directory.
func TestHardCase59_ForeignChildrenAreLimited(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		many := testworld.Sized(20_000, 100_000)
		w.Put(orders+"/a1", `{"address":"h1"}`)
		for i := range many {
			w.Put(fmt.Sprintf("%s/foreign-%06d", orders, i), "{}")
		}
		p := w.Process()
		var s *naming.Service
		counts := w.Count(func() { s = watch(p, naming.Limit(10)) })
		require.Equal(w, map[string]int{"addWatch": 1, "multiRead": 2}, counts)
		require.Equal(w, "a1", s.Load()[0].ID)
		require.Len(w, s.View().Problems, 1)
		require.ErrorContains(w, s.View().Problems[0], fmt.Sprintf("%d znodes are left out, the first is foreign-000009: the limits are 10 znodes", many-9))
		o := observe(w, s)
		require.True(w, strings.HasSuffix(o.take(), " E"))
		w.Put(orders+"/a2", `{"address":"h2"}`)
		require.Equal(w, "[+a2 -foreign-000008] E", o.take())
	})
}

// One node among many holds no instance: the others are served, and it is
// reported once for each of its versions.
func TestHardCase61_MalformedNodeAmongOthers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		register(a, at("o1", "h1"))
		w.Put(orders+"/bad", "")
		w.Put(orders+"/worse", `{"port":-1}`)
		s := watch(b)
		require.Equal(w, "o1=h1", showView(s.View()))
		require.Len(w, s.View().Problems, 2)
		o := observe(w, s)
		require.Equal(w, "[+o1] E E", o.take())
		require.ErrorContains(w, o.Errs()[0], `instance "bad" of service "orders" is malformed: it is empty`)
		register(a, at("o2", "h2"))
		require.Equal(w, "[+o2]", o.take(), "not reported again")
		b.Link.Disconnect()
		require.NotContains(w, o.take(), "E")
		b.Expire()
		require.NotContains(w, o.take(), "E", "nor in the next session")
		w.Put(orders+"/bad", "still not")
		require.Equal(w, "E", o.take(), "another version")
		w.Put(orders+"/bad", `{"address":"h3"}`)
		require.Equal(w, "[+bad]", o.take())
		w.Put(orders+"/bad", `[]`)
		require.Equal(w, "[-bad] E", o.take())
		require.Equal(w, "o1=h1 o2=h2", settled(s))
		for _, bad := range o.Errs() {
			var malformed *naming.MalformedError
			require.ErrorAs(w, bad, &malformed)
		}
	})
}

// panicky is a foreign codec.
type panicky struct{ naming.Codec }

func (p panicky) Decode(service, name string, data []byte) (naming.Instance, error) {
	switch string(data) {
	case "panic":
		panic("secret")
	case "other":
		return naming.Instance{Service: service, ID: "another"}, nil
	}
	return p.Codec.Decode(service, name, data)
}

func (p panicky) Encode(in naming.Instance) (string, []byte, error) {
	if in.ID == "panic" {
		panic(in.ID)
	}
	return p.Codec.Encode(in)
}

func TestHardCase61_CodecPanics(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		r := registry(p, naming.Layout(panicky{naming.Curator()}))
		_, err := r.Register(w.Context(), at("panic", "h"))
		require.ErrorContains(w, err, "the codec panics")
		_, err = r.Register(w.Context(), at("o1", "h1"))
		require.NoError(w, err)
		w.Put(orders+"/o2", "panic")
		w.Put(orders+"/o3", "other")
		s, err := r.Open(w.Context(), "orders")
		require.NoError(w, err)
		defer s.Close()
		require.Equal(w, "o1=h1", showView(s.View()))
		require.Len(w, s.View().Problems, 2)
		require.NotContains(w, s.View().Problems[0].Error(), "secret")
	})
}
