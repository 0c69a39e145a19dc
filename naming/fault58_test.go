package naming_test

import (
	"context"
	"errors"
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

func TestFault58_ConcurrentUnregisters(t *testing.T) {
	for name, kind := range map[string]naming.ServiceType{"Dynamic": naming.Dynamic, "Static": naming.Static} {
		t.Run(name, func(t *testing.T) {
			testworld.EachEnd(t, func(w *testworld.World, p *testworld.Process, end func()) {
				in := at("a", "10.0.0.1")
				in.Type = kind
				g := register(p, in)
				ctx := w.Within(time.Minute)
				for _, err := range w.Twice(func() error { return g.Unregister(ctx) }, end) {
					if kind == naming.Static && err != nil { // a node that no session takes along
						require.True(w, errors.Is(err, session.ErrClosed) || errors.Is(err, context.DeadlineExceeded), "%v", err)
						continue
					}
					require.NoError(w, err)
				}
				if kind == naming.Dynamic {
					<-g.Done()
					time.Sleep(time.Minute) // a server that is cut off ends the session later
					require.Empty(w, w.Children(orders))
				}
			})
		})
	}
}

// The ctx of an Unregister bounds its wait, also while another one waits.
func TestFault58_UnregisterBesideAnother(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		in := at("a", "10.0.0.1")
		in.Type = naming.Static
		g := register(p, in)
		p.Link.Cut(zktest.Both)
		first := make(chan error, 1)
		go func() { first <- g.Unregister(w.Context()) }()
		synctest.Wait()
		began := time.Now()
		require.ErrorIs(w, g.Unregister(w.Within(time.Second)), context.DeadlineExceeded)
		require.Equal(w, time.Second, time.Since(began))
		p.Link.Heal()
		require.NoError(w, <-first)
		require.Empty(w, w.Children(orders))
	})
}

// Nothing that begins after Unregister is done.
func TestFault58_UpdateBesideUnregister(t *testing.T) {
	for range 50 {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			g, err := registry(p, naming.Layout(naming.Dubbo())).Register(w.Context(),
				naming.Instance{Service: "orders", Address: "10.0.0.1", Port: 80})
			require.NoError(w, err)
			ended := make(chan error, 1)
			go func() { ended <- g.Unregister(w.Context()) }()
			moved := g.Instance()
			moved.Address, moved.ID = "10.0.0.2", ""
			if err := g.Update(w.Context(), moved); err != nil {
				require.ErrorIs(w, err, session.ErrReleased)
			}
			require.NoError(w, <-ended)
			require.ErrorIs(w, g.Update(w.Context(), moved), session.ErrReleased)
			time.Sleep(time.Minute)
			require.Empty(w, w.Children("/dubbo/orders/providers"))
		})
	}
}

func TestFault58_ConcurrentClosesOfAService(t *testing.T) {
	testworld.EachEnd(t, func(w *testworld.World, p *testworld.Process, end func()) {
		register(p, at("a", "10.0.0.1"))
		file := filepath.Join(w.TempDir(), "orders")
		s := watch(p, naming.CacheFile(file))
		w.Twice(func() error { s.Close(); return nil }, end)
		instances, _, err := naming.LoadCache(file, "orders")
		require.NoError(w, err)
		require.Equal(w, "a=10.0.0.1", show(instances))
	})
}

// A Filter that hangs keeps neither Close nor the cache file.
func TestFault58_CloseWhileFilterHangs(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		register(p, at("a", "10.0.0.1"))
		file := filepath.Join(w.TempDir(), "orders")
		hang := make(chan struct{})
		s := watch(p, naming.CacheFile(file), naming.Filter(func(in naming.Instance) bool {
			if in.ID == "b" {
				<-hang
			}
			return true
		}))
		register(p, at("b", "10.0.0.2"))
		time.Sleep(time.Second)
		require.NoError(w, os.RemoveAll(file))
		began := time.Now()
		w.Twice(func() error { s.Close(); return nil })
		require.Equal(w, time.Second, time.Since(began))
		close(hang)
	})
}

func TestFault58_ConcurrentReleasesOfAWorkerID(t *testing.T) {
	testworld.EachEnd(t, func(w *testworld.World, p *testworld.Process, end func()) {
		id, err := naming.NewWorkers(p.Manager, "/workers", 4).Acquire(w.Context(), "a")
		require.NoError(w, err)
		errs := w.Twice(id.Release, end)
		require.Equal(w, errs[0], errs[1])
		require.Error(w, id.Err())
	})
}
