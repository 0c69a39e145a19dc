package naming_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// coldly starts a process that cannot reach any server until its link heals.
func coldly(w *testworld.World) *testworld.Process {
	link := w.Srv.Link()
	link.Cut(zktest.Both)
	sm, err := session.Start(session.Config{Servers: []string{"zk1"}, Dialer: link.DialContext})
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, sm.Close()) })
	return &testworld.Process{Manager: sm, W: w, Link: link}
}

// A process that starts while ZooKeeper is away has the instances of the last
// time at once.
func TestHardCase62_ColdStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders.json")
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		register(a, at("o1", "h1"))
		g := register(a, at("o2", "h2"))
		s := watch(b, naming.CacheFile(file))
		require.Equal(w, "o1=h1 o2=h2", showView(s.View()), "no file yet")
		require.NoError(w, g.Drain(w.Context()))
		time.Sleep(3 * time.Second)
		cached, _, err := naming.LoadCache(file, "orders")
		require.NoError(w, err)
		require.Equal(w, "o1=h1 o2=h2~", show(cached))
		s.Close()

		c := coldly(w)
		began := time.Now()
		cold := watch(c, naming.CacheFile(file))
		require.Equal(w, began, time.Now(), "it does not wait")
		require.Equal(w, "o1=h1 o2=h2~?", showView(cold.View()))
		require.True(w, cold.Stale())
		o := observe(w, cold)
		require.Equal(w, "[+o1 +o2]?", o.take())
		require.Equal(w, "o1", pick(w, naming.NewBalancer(cold, naming.Random()), ""))
		_, err = registry(c).Open(w.Within(time.Minute), "orders")
		require.ErrorIs(w, err, session.ErrUnreachable, "without a file there is nothing to show")

		c.Link.Heal()
		w.Eventually(func() bool { return !cold.Stale() && !cold.View().Protected }, "it is current")
		w.Eventually(func() bool { return showView(cold.View()) == "o1=h1 o2=h2~" }, "with what is registered now")
		require.NotContains(w, o.take(), "-")

		// With a server at hand the first view is current, file or not.
		require.Equal(w, "o1=h1 o2=h2~", showView(watch(w.Process(), naming.CacheFile(file+"2")).View()))
		again := watch(w.Process(), naming.CacheFile(file))
		require.Equal(w, "o1=h1 o2=h2~", showView(again.View()))
	})
}

// The file is written once a second at most, and at the end.
func TestCacheIsCoalesced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders.json")
	testworld.Run(t, func(w *testworld.World) {
		saved := func() time.Time {
			_, at, err := naming.LoadCache(file, "orders")
			require.NoError(w, err)
			return at
		}
		p := w.Process()
		g := register(p, at("o1", "h1"))
		s := watch(p, naming.CacheFile(file), naming.ProtectEmpty(time.Minute))
		time.Sleep(2 * time.Second)
		times := map[time.Time]bool{saved(): true}
		for range 100 {
			require.NoError(w, g.Update(w.Context(), g.Instance()))
			in := g.Instance()
			in.Draining = !in.Draining
			require.NoError(w, g.Update(w.Context(), in))
			time.Sleep(100 * time.Millisecond)
			times[saved()] = true
		}
		require.LessOrEqual(w, len(times), 12, "in 10 s")
		require.Greater(w, len(times), 5)
		require.NoError(w, g.Unregister(w.Context()))
		time.Sleep(5 * time.Second)
		cached, _, err := naming.LoadCache(file, "orders")
		require.NoError(w, err)
		require.Len(w, cached, 1, "what is kept is kept in the file too")
		time.Sleep(time.Minute)
		require.Equal(w, "", settled(s))
		cached, _, err = naming.LoadCache(file, "orders")
		require.NoError(w, err)
		require.Empty(w, cached)
		register(p, at("o2", "h2"))
		w.Eventually(func() bool { return len(s.Load()) == 1 }, "seen")
		s.Close()
		cached, _, err = naming.LoadCache(file, "orders")
		require.NoError(w, err)
		require.Equal(w, "o2=h2", show(cached), "written at the end")
	})
}

// A file that cannot be used is reported, and nothing of it is lost.
func TestCacheFileUnusable(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	good := filepath.Join(dir, "good")
	require.NoError(t, naming.SaveCache(good, "other", []naming.Instance{{Service: "other", ID: "x"}}, time.UnixMilli(7)))
	foreign, err := os.ReadFile(good)
	require.NoError(t, err)
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		register(p, at("o1", "h1"))
		for name, c := range map[string]struct {
			data   []byte
			reason error
		}{
			"truncated": {foreign[:40], naming.ErrCacheDamaged},
			"notes":     {[]byte("my notes"), naming.ErrCacheDamaged},
			"foreign":   {foreign, naming.ErrCacheService},
			"newer":     {[]byte(`{"format":"docent naming cache","version":9}`), naming.ErrCacheVersion},
		} {
			path := write(name, c.data)
			s := watch(p, naming.CacheFile(path))
			synctest.Wait()
			require.Len(w, s.View().Problems, 1, "the View after Watch reports the %s file", name)
			o := observe(w, s)
			require.Equal(w, "o1=h1", showView(s.View()))
			require.Contains(w, o.take(), "E", name)
			require.ErrorIs(w, o.Errs()[0], c.reason)
			kept := path
			if c.reason == naming.ErrCacheDamaged {
				kept += ".damaged"
				cached, _, err := naming.LoadCache(path, "orders")
				require.NoError(w, err)
				require.Equal(w, "o1=h1", show(cached))
				require.Empty(w, s.View().Problems)
			} else {
				require.Len(w, s.View().Problems, 1)
			}
			s.Close()
			still, err := os.ReadFile(kept)
			require.NoError(w, err)
			require.Equal(w, string(c.data), string(still), name)
		}
		s := watch(p, naming.CacheFile(filepath.Join(dir, "none", "x")))
		time.Sleep(2 * time.Second)
		require.Len(w, s.View().Problems, 1)
		var bad *naming.CacheError
		require.ErrorAs(w, s.View().Problems[0], &bad)
		require.Equal(w, "o1=h1", settled(s))
	})
}
