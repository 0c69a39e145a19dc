package naming_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// SetDraining writes only into instances: any JSON object can be read as an
// Instance without fields.
func TestFault25_InstancesAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		r := naming.NewRegistry(w.Process().Manager, naming.Base("/config"))
		for _, data := range []string{`{"qps":2}`, "{}"} {
			w.Put("/config/app/limits", data)
			var malformed *naming.MalformedError
			require.ErrorAs(w, r.SetDraining(w.Context(), "app", "limits", true), &malformed)
			require.Equal(w, data, w.Data("/config/app/limits"))
		}
		w.Put("/config/app/i1", `{"name":"app","id":"i1","address":"10.0.0.1","port":80}`)
		require.NoError(w, r.SetDraining(w.Context(), "app", "i1", true))
	})
}

// A registration takes over instances alone, with Replace too, and keeps the
// ACL.
func TestFault25_TakeOverOfInstancesAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(testworld.Secretive)
		for _, data := range []string{`{"qps":2}`, "{}", "text", ""} {
			w.Put(orders+"/db", data)
			for _, opts := range [][]naming.RegisterOption{nil, {naming.Replace()}} {
				before, _ := w.Srv.Node(orders + "/db")
				var malformed *naming.MalformedError
				_, err := registry(p).Register(w.Context(), static("h1"), opts...)
				require.ErrorAs(w, err, &malformed, data)
				after, _ := w.Srv.Node(orders + "/db")
				require.Equal(w, before, after)
			}
		}
		w.Remove(orders + "/db")
		register(p, static("h1"))
		before, _ := w.Srv.Node(orders + "/db")
		open := w.Process(func(cfg *session.Config) { cfg.Auth = []session.Credential{session.Digest("owner", "secret")} })
		register(open, static("h2"), naming.Replace())
		after, _ := w.Srv.Node(orders + "/db")
		require.NotEqual(w, before.Stat.Czxid, after.Stat.Czxid)
		require.Equal(w, before.ACL, after.ACL)
		require.Contains(w, string(after.Data), "h2")
	})
}

// Names are made with a node of their own: one with data is left.
func TestFault25_NamesAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/app/key", `{"qps":2}`)
		w.Put("/q/items/queue-0000000001", "")
		w.Put("/lock/_c_0c42bf25-0f3d-4b3c-9d0c-6f2f3f4a5b6c-lock-0000000001", "")
		_, err := p.Create(w.Context(), "/held", nil, session.Ephemeral)
		require.NoError(w, err)
		for _, path := range []string{"/app/key", "/held", "/q/items", "/q/items/queue-0000000001", "/lock"} {
			before, _ := w.Srv.Node(path)
			_, err := naming.NewNames(p.Manager, path, "order-").Next(w.Context())
			require.ErrorIs(w, err, session.ErrForeign, path)
			after, _ := w.Srv.Node(path)
			require.Equal(w, before, after)
		}
		names := naming.NewNames(p.Manager, "/names", "order-")
		_, err = names.Next(w.Context())
		require.NoError(w, err)
		next := func() {
			_, err := names.Next(w.Context())
			require.NoError(w, err)
		}
		next()
		require.Equal(w, map[string]int{"setData": 1}, w.Count(next), "it was looked at once")
	})
}

// If the znode of a worker's memory is not a memory, it is left as it is.
func TestFault25_MemoriesAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/workers/names/w", `{"qps":2}`)
		for range 2 {
			id, err := naming.NewWorkers(p.Manager, "/workers", 4).Acquire(w.Context(), "w")
			require.NoError(w, err)
			require.NoError(w, id.Release())
		}
		require.Equal(w, `{"qps":2}`, w.Data("/workers/names/w"))
	})
}

// Replace takes the place of an instance, and not of another recipe's node,
// which it waits for.
func TestFault25_ReplaceOfInstancesAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, owner := w.Process(), w.Process()
		w.Put(orders, "")
		_, err := owner.Create(w.Context(), orders+"/o1", []byte(`{"id":"a","host":"h","pid":1}`), session.Ephemeral)
		require.NoError(w, err)
		before, _ := w.Srv.Node(orders + "/o1")
		_, err = registry(p).Register(w.Context(), at("o1", "h1"), naming.Replace())
		require.ErrorIs(w, err, session.ErrIDTaken)
		after, _ := w.Srv.Node(orders + "/o1")
		require.Equal(w, before, after)
		w.Remove(orders + "/o1")
		register(owner, at("o1", "h2"))
		register(p, at("o1", "h1"), naming.Replace())
		require.Contains(w, w.Data(orders+"/o1"), "h1")
	})
}
