package naming_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// A service is redeployed: all instances go, and others come later under new
// ids and addresses. From the first of these on no dead address is served.
func TestFault21_Redeployed(t *testing.T) {
	for _, kind := range []naming.ServiceType{naming.Dynamic, naming.DynamicSequential} {
		t.Run(kind.String(), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				old, next := w.Process(), w.Process()
				some := func(p *testworld.Process, ids ...string) {
					for _, id := range ids {
						in := at(id, "host-"+id)
						in.Type = kind
						register(p, in)
					}
				}
				some(old, "a", "b", "c")
				s := watch(w.Process())
				require.NoError(w, old.Close())
				settled(s)
				require.True(w, s.View().Protected)
				require.Len(w, s.Load(), 3, "nothing has come yet")
				some(next, "d")
				settled(s)
				require.False(w, s.View().Protected)
				require.Len(w, s.Load(), 1)
				require.Equal(w, "host-d", s.Load()[0].Address)
				some(next, "e", "f")
				settled(s)
				require.Len(w, s.Load(), 3)
				time.Sleep(time.Minute)
				require.Len(w, s.Load(), 3)

				// The next stroke is protected as ever.
				require.NoError(w, next.Close())
				settled(s)
				require.True(w, s.View().Protected)
				require.Len(w, s.Load(), 3)
			})
		})
	}
}

// An instance that takes no calls does not replace the missing: they are still
// shown.
func TestFault21_NewcomersThatTakeNoCalls(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		old, next := w.Process(), w.Process()
		register(old, at("a", "h1"))
		s := watch(w.Process())
		require.NoError(w, old.Close())
		require.Equal(w, "a=h1!", settled(s))
		in := at("b", "h2")
		in.Draining = true
		g := register(next, in)
		require.Equal(w, "a=h1 b=h2~!", settled(s))
		require.NoError(w, g.Undrain(w.Context()))
		require.Equal(w, "b=h2", settled(s))
	})
}

// A watch that leaves out draining instances does not show one, however few are
// left, nor one that comes back draining.
func TestFault22_DrainedInstanceIsNotKept(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, other := w.Process(), w.Process()
		g := register(p, at("o1", "h1"))
		s := watch(w.Process(), naming.Filter(naming.Instance.Available))
		require.Equal(w, "o1=h1", settled(s))
		require.NoError(w, g.Drain(w.Context()))
		require.Equal(w, "", settled(s))
		require.NoError(w, g.Undrain(w.Context()))
		require.Equal(w, "o1=h1", settled(s))

		// One drains and the other is lost: the lost one is kept.
		register(other, at("o2", "h2"))
		require.Equal(w, "o1=h1 o2=h2", settled(s))
		require.NoError(w, g.Drain(w.Context()))
		require.NoError(w, other.Close())
		require.Equal(w, "o2=h2!", settled(s))

		// It comes back under another id at its address, and drains.
		in := at("o3", "h2")
		in.Draining = true
		register(p, in)
		require.Equal(w, "", settled(s))
	})
}

// Both at one look: the last instance is filtered out in the moment in which
// the others are lost.
func TestFault22_DrainedAndLostAtOnce(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, other := w.Process(), w.Process()
		g := register(p, at("o1", "h1"))
		register(other, at("o2", "h2"))
		s := watch(w.Process(), naming.Filter(naming.Instance.Available), naming.Pause(5*time.Second))
		time.Sleep(time.Minute)
		in := at("o0", "h0")
		h := register(p, in) // begins a pause in which the rest happens
		require.NoError(w, g.Drain(w.Context()))
		require.NoError(w, h.Unregister(w.Context()))
		require.NoError(w, other.Close())
		time.Sleep(10 * time.Second)
		require.NotContains(w, settled(s), "o1")
		require.Contains(w, settled(s), "o2=h2")
	})
}

// What the cache file holds passes the filter of the watch that reads it.
func TestFault22_CacheObeysTheFilter(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders.json")
	down := at("o1", "h1")
	down.Draining = true
	require.NoError(t, naming.SaveCache(file, "orders", []naming.Instance{down, at("o2", "h2")}, time.Now()))
	testworld.Run(t, func(w *testworld.World) {
		c := coldly(w)
		cold := watch(c, naming.CacheFile(file), naming.Filter(naming.Instance.Available))
		require.Equal(w, "o2=h2?", showView(cold.View()))
		cold.Close()
		kept, _, err := naming.LoadCache(file, "orders")
		require.NoError(w, err)
		require.Equal(w, "o1=h1~ o2=h2", show(kept), "the file is not rewritten before a server was asked")

		// The service turns out to be empty: the filter applies to protected
		// instances too.
		cold = watch(c, naming.CacheFile(file), naming.Filter(naming.Instance.Available))
		c.Link.Heal()
		w.Eventually(func() bool { return !cold.Stale() }, "a server is asked")
		require.Equal(w, "o2=h2!", settled(cold))
	})
}

// Three are lost, and only some of them come back. The others are shown too
// until a newcomer is available, or as many are available as were lost, or the
// time since the loss is over.
func TestFault21_SomeComeBack(t *testing.T) {
	world := func(t *testing.T, f func(w *testworld.World, s *naming.Service, next *testworld.Process)) {
		testworld.Run(t, func(w *testworld.World) {
			old := w.Process()
			for _, id := range []string{"a", "b", "c"} {
				register(old, at(id, "h-"+id))
			}
			s := watch(w.Process(), naming.ProtectEmpty(time.Minute))
			require.NoError(w, old.Close())
			require.Equal(w, "a=h-a b=h-b c=h-c!", settled(s))
			f(w, s, w.Process())
		})
	}
	t.Run("one old and two new", func(t *testing.T) {
		world(t, func(w *testworld.World, s *naming.Service, next *testworld.Process) {
			register(next, at("a", "h-new"))
			require.Equal(w, "a=h-new b=h-b c=h-c!", settled(s), "b and c may be on their way")
			register(next, at("d", "h-d"))
			require.Equal(w, "a=h-new d=h-d", settled(s))
			register(next, at("e", "h-e"))
			require.Equal(w, "a=h-new d=h-d e=h-e", settled(s))
		})
	})
	t.Run("two new and one old", func(t *testing.T) {
		world(t, func(w *testworld.World, s *naming.Service, next *testworld.Process) {
			register(next, at("d", "h-d"))
			require.Equal(w, "d=h-d", settled(s))
			register(next, at("e", "h-e"))
			register(next, at("a", "h-new"))
			require.Equal(w, "a=h-new d=h-d e=h-e", settled(s))
		})
	})
	t.Run("two old ids and an old address", func(t *testing.T) {
		world(t, func(w *testworld.World, s *naming.Service, next *testworld.Process) {
			register(next, at("a", "h-new"))
			register(next, at("b", "h-b"))
			require.Equal(w, "a=h-new b=h-b c=h-c!", settled(s))
			register(next, at("d", "h-a"))
			require.Equal(w, "a=h-new b=h-b d=h-a", settled(s), "as many serve as were lost")
		})
	})
	t.Run("one old and no other", func(t *testing.T) {
		world(t, func(w *testworld.World, s *naming.Service, next *testworld.Process) {
			time.Sleep(40 * time.Second)
			register(next, at("a", "h-new"))
			require.Equal(w, "a=h-new b=h-b c=h-c!", settled(s))
			time.Sleep(20 * time.Second)
			require.Equal(w, "a=h-new", settled(s), "a minute after the loss")
		})
	})
	t.Run("one old that is lost again and again", func(t *testing.T) {
		world(t, func(w *testworld.World, s *naming.Service, next *testworld.Process) {
			time.Sleep(20 * time.Second)
			g := register(next, at("a", "h-new"))
			require.Equal(w, "a=h-new b=h-b c=h-c!", settled(s))
			require.NoError(w, g.Unregister(w.Context()))
			require.Equal(w, "a=h-new b=h-b c=h-c!", settled(s))
			time.Sleep(20 * time.Second)
			g = register(next, at("a", "h-newer"))
			require.Equal(w, "a=h-newer b=h-b c=h-c!", settled(s))
			require.NoError(w, g.Unregister(w.Context()))
			time.Sleep(20 * time.Second)
			require.Equal(w, "a=h-newer!", settled(s), "a minute after the loss of b and c")
			time.Sleep(40 * time.Second)
			require.Equal(w, "", settled(s), "a minute after the loss of a")
		})
	})
}
