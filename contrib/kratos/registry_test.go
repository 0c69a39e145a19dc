package docentkratos_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kratos/kratos/v2/registry"
	"github.com/stretchr/testify/require"

	docentkratos "github.com/docent-go/docent/contrib/kratos"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

// golden is what kratos's own registry writes for the instance: json.Marshal of
// the registry.ServiceInstance, in /microservices/orders/orders-1.
//
//go:embed testdata/instance.json
var golden string

const node = "/microservices/orders/orders-1"

func instance(id string) *registry.ServiceInstance {
	return &registry.ServiceInstance{ID: id, Name: "orders", Version: "v1.2.3", Metadata: map[string]string{"zone": "a"},
		Endpoints: []string{"grpc://10.0.0.1:9000?isSecure=false", "http://10.0.0.1:8000?isSecure=false"}}
}

type world struct{ *sessiontest.World }

func run(t *testing.T, f func(w world)) {
	sessiontest.Run(t, func(sw *sessiontest.World) { f(world{sw}) })
}

// replica is a process with a registry.
type replica struct {
	*sessiontest.Process
	*docentkratos.Registry
}

func (w world) replica(opts ...docentkratos.Option) replica {
	p := w.Process(func(c *session.Config) { c.Timeout = 10 * time.Second })
	r := docentkratos.New(p.Manager, opts...)
	w.Cleanup(func() { require.NoError(w, r.Close()) })
	return replica{p, r}
}

// without has a replica show at once that a service is empty.
func without() docentkratos.Option {
	return docentkratos.OpenOptions(func(string) []naming.OpenOption { return []naming.OpenOption{naming.ProtectEmpty(0)} })
}

func (w world) ids(all []*registry.ServiceInstance, err error) (ids []string) {
	w.Helper()
	require.NoError(w, err)
	for _, in := range all {
		ids = append(ids, in.ID)
	}
	return ids
}

// The znodes are byte by byte as kratos's own registry writes them, and the
// instances of that registry are found.
func TestRegistry_layout(t *testing.T) {
	run(t, func(w world) {
		r := w.replica()
		require.NoError(w, r.Register(w.Context(), instance("orders-1")))
		require.Equal(w, golden, w.Data(node))
		require.Equal(w, []string{"orders-1"}, w.Children("/microservices/orders"))

		bare := &registry.ServiceInstance{ID: "b", Name: "orders"}
		data, err := json.Marshal(bare)
		require.NoError(w, err)
		w.Put("/microservices/orders/b", string(data))
		w.Put("/microservices/orders/c", golden)
		all, err := r.GetService(w.Context(), "orders")
		require.NoError(w, err)
		require.Equal(w, []*registry.ServiceInstance{bare, instance("orders-1"), instance("orders-1")}, all)

		root := docentkratos.New(r.Manager, docentkratos.RootPath("/other"))
		defer root.Close()
		require.NoError(w, root.Register(w.Context(), instance("orders-1")))
		require.Equal(w, golden, w.Data("/other/orders/orders-1"))
	})
}

// A watcher waits for the first instance, and then returns each change, also
// the last instance's end. What it returns belongs to the caller.
func TestRegistry_watch(t *testing.T) {
	run(t, func(w world) {
		r, c := w.replica(), w.replica(without())
		watcher, err := c.Watch(w.Context(), "orders")
		require.NoError(w, err)
		var ids []string
		next := func() error {
			all, err := watcher.Next()
			ids = w.ids(all, nil)
			for _, in := range all {
				clear(in.Endpoints)
			}
			return err
		}
		call := w.Go(func(context.Context) error { return next() })
		require.True(w, call.Running())
		require.NoError(w, r.Register(w.Context(), instance("a")))
		require.NoError(w, call.Wait())
		require.Equal(w, []string{"a"}, ids)
		require.NoError(w, r.Register(w.Context(), instance("b")))
		require.NoError(w, next())
		require.Equal(w, []string{"a", "b"}, ids)

		changed := instance("b")
		changed.Version = "v2"
		require.NoError(w, r.Register(w.Context(), changed))
		all, err := watcher.Next()
		require.NoError(w, err)
		require.Equal(w, changed, all[1])

		require.NoError(w, r.Deregister(w.Context(), instance("a")))
		require.NoError(w, r.Deregister(w.Context(), instance("b")))
		time.Sleep(time.Second)
		require.NoError(w, next())
		require.Empty(w, ids)

		call = w.Go(func(context.Context) error { return next() })
		require.True(w, call.Running())
		require.NoError(w, watcher.Stop())
		require.ErrorIs(w, call.Wait(), context.Canceled)
		require.ErrorIs(w, next(), context.Canceled)
		require.NoError(w, watcher.Stop())
	})
}

// The last instances stay while ZooKeeper does not answer, and after a restart
// with a cache file.
func TestRegistry_outage(t *testing.T) {
	run(t, func(w world) {
		dir := w.TempDir()
		cache := docentkratos.OpenOptions(func(service string) []naming.OpenOption {
			return []naming.OpenOption{naming.CacheFile(filepath.Join(dir, service))}
		})
		r, c := w.replica(), w.replica(cache)
		require.NoError(w, r.Register(w.Context(), instance("a")))
		require.Equal(w, []string{"a"}, w.ids(c.GetService(w.Context(), "orders")))
		c.Link.Cut(zktest.Both)
		time.Sleep(time.Hour)
		require.Equal(w, []string{"a"}, w.ids(c.GetService(w.Context(), "orders")))
		require.NoError(w, c.Registry.Close())

		again := docentkratos.New(c.Manager, cache)
		watcher, err := again.Watch(w.Context(), "orders")
		require.NoError(w, err)
		require.Equal(w, []string{"a"}, w.ids(watcher.Next()))
		require.NoError(w, r.Register(w.Context(), instance("b")))
		c.Link.Heal()
		require.Equal(w, []string{"a", "b"}, w.ids(watcher.Next()))
		require.NoError(w, again.Close())
		_, err = watcher.Next()
		require.ErrorIs(w, err, session.ErrClosed)
		require.ErrorIs(w, err, context.Canceled)
		require.NoError(w, watcher.Stop())
		_, err = again.GetService(w.Context(), "orders")
		require.ErrorIs(w, err, session.ErrClosed)
	})
}

// An instance comes back in each new session. After Deregister nothing of it
// comes back, also if the session ends in the same outage.
func TestRegistry_noGhost(t *testing.T) {
	run(t, func(w world) {
		r := w.replica()
		require.NoError(w, r.Register(w.Context(), instance("orders-1")))
		r.Expire()
		time.Sleep(time.Minute)
		require.Equal(w, golden, w.Data(node))

		r.Link.Cut(zktest.Both)
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		require.ErrorIs(w, r.Deregister(ctx, instance("orders-1")), context.DeadlineExceeded)
		r.Expire()
		r.Link.Heal()
		for range 10 {
			time.Sleep(time.Minute)
			require.Empty(w, w.Children("/microservices/orders"))
		}
		require.ErrorIs(w, r.Deregister(w.Context(), instance("orders-1")), docentkratos.ErrNotRegistered)
	})
}

// A process that starts again takes its place at once, although the session of
// the crashed one has not expired. With Refuse it does not.
func TestRegistry_restart(t *testing.T) {
	run(t, func(w world) {
		dead, r, refuses := w.replica(), w.replica(), w.replica(docentkratos.Refuse())
		old := instance("orders-1")
		old.Version = "v1.0.0"
		require.NoError(w, dead.Register(w.Context(), old))
		dead.Kill()
		begun := time.Now()
		require.ErrorIs(w, refuses.Register(w.Context(), instance("orders-1")), session.ErrIDTaken)
		require.NoError(w, r.Register(w.Context(), instance("orders-1")))
		require.Equal(w, begun, time.Now())
		require.Equal(w, golden, w.Data(node))
		time.Sleep(time.Minute)
		require.Equal(w, golden, w.Data(node))
	})
}

// What is not an instance of the service is left out, and reported once.
func TestRegistry_malformed(t *testing.T) {
	run(t, func(w world) {
		r := w.replica()
		require.NoError(w, r.Register(w.Context(), instance("a")))
		for name, data := range map[string]string{"b": "", "c": "null", "d": "[", "e": `{"id":"e","name":"payments"}`} {
			w.Put("/microservices/orders/"+name, data)
		}
		watcher, err := r.Watch(w.Context(), "orders")
		require.NoError(w, err)
		defer func() { require.NoError(w, watcher.Stop()) }()
		require.Equal(w, []string{"a"}, w.ids(watcher.Next()))
		for range 4 {
			_, err := watcher.Next()
			require.ErrorAs(w, err, new(*naming.MalformedError))
		}
		call := w.Go(func(context.Context) error {
			_, err := watcher.Next()
			return err
		})
		require.True(w, call.Running())
		require.NoError(w, watcher.Stop())
		require.ErrorIs(w, call.Wait(), context.Canceled)
	})
}

func TestRegistry_errors(t *testing.T) {
	run(t, func(w world) {
		r := w.replica()
		for _, name := range []string{"", ".", "..", "a/b"} {
			_, err := r.Watch(w.Context(), name)
			require.ErrorContains(w, err, "the name of a service")
			_, err = r.GetService(w.Context(), name)
			require.ErrorContains(w, err, "the name of a service")
			require.Error(w, r.Register(w.Context(), &registry.ServiceInstance{ID: "a", Name: name}))
		}
		require.ErrorContains(w, r.Register(w.Context(), instance("")), "has no id")
		require.Error(w, r.Register(w.Context(), instance("a/b")))

		// The Manager ends while a watcher waits.
		watcher, err := r.Watch(w.Context(), "orders")
		require.NoError(w, err)
		call := w.Go(func(context.Context) error {
			_, err := watcher.Next()
			return err
		})
		synctest.Wait()
		require.NoError(w, r.Manager.Close())
		err = call.Wait()
		require.True(w, errors.Is(err, session.ErrClosed) && errors.Is(err, context.Canceled), "%v", err)
		require.NoError(w, watcher.Stop())
	})
}
