package docentkoanf_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	docentkoanf "github.com/docent-go/docent/contrib/koanf"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func (w *world) tree(codec config.Codec[any]) *docentkoanf.Tree {
	t, err := docentkoanf.OpenTree(w.Context(), w.p.Manager, "/config", codec)
	require.NoError(w, err)
	return t
}

// The znodes are nested maps. Keys that are published together are read
// together, and a deleted key goes.
func TestTree(t *testing.T) {
	run(t, func(w *world) {
		w.Put("/config/db/host", "a")
		w.Put("/config/db/port", "5432")
		w.Put("/config/qps", "5")
		tree := w.tree(docentkoanf.Text())
		a := w.app(tree, nil)
		a.has(0, map[string]any{"db.host": "a", "db.port": "5432", "qps": "5"})
		require.Equal(w, 5432, a.k.Int("db.port"))

		store := config.NewStore(w.p.Manager, "/config")
		require.NoError(w, store.Publish(w.Context(),
			config.SetKey("db/host", []byte("b"), session.AnyVersion),
			config.SetKey("db/port", []byte("5433"), session.AnyVersion),
			config.DeleteKey("qps", session.AnyVersion)))
		time.Sleep(time.Second)
		a.has(1, map[string]any{"db.host": "b", "db.port": "5433"})
		require.Equal(w, []docentkoanf.Event{{Path: "/config", Exists: true}}, a.events)

		_, err := tree.ReadBytes()
		require.ErrorContains(w, err, "give Load nil as the parser")
	})
}

func TestTree_outage(t *testing.T) {
	run(t, func(w *world) {
		w.Put("/config/qps", "5")
		tree := w.tree(docentkoanf.Text())
		a := w.app(tree, nil)
		w.p.Link.Cut(zktest.Both)
		time.Sleep(time.Hour)
		require.True(w, tree.Stale())
		require.NoError(w, a.load())
		a.has(0, map[string]any{"qps": "5"})
		w.Put("/config/qps", "6")
		w.p.Link.Heal()
		w.Eventually(func() bool { return !tree.Stale() }, "the servers answer")
		time.Sleep(time.Second)
		a.has(1, map[string]any{"qps": "6"})
		require.NoError(w, tree.Err())
	})
}

// With a codec of JSON a znode may have an object. The keys below it are more
// keys of the object.
func TestTree_objects(t *testing.T) {
	run(t, func(w *world) {
		w.Put("/config/db", `{"host": "a", "pool": {"max": 5}, "none": null}`)
		w.Put("/config/db/port", "5432")
		w.Put("/config/db/host", `"b"`)
		w.Put("/config/db/pool", `{"min": 1}`)
		w.Put("/config/hosts", `["a", "b"]`)
		tree := w.tree(config.JSON[any]())
		a := w.app(tree, nil)
		all := map[string]any{
			"db.host": "b", "db.port": 5432.0, "db.pool.max": 5.0, "db.pool.min": 1.0, "db.none": nil, "hosts": []any{"a", "b"},
		}
		a.has(0, all)

		m, err := tree.Read()
		require.NoError(w, err)
		m["hosts"].([]any)[0] = "X" // what Read returns belongs to the caller
		m["db"].(map[string]any)["pool"].(map[string]any)["max"] = 0
		require.NoError(w, a.load())
		a.has(0, all)

		w.Put("/config/hosts", `[`)
		time.Sleep(time.Second)
		require.ErrorAs(w, a.errors(), new(*config.BadValueError))
		a.has(1, all) // an event that changes nothing
	})
}

// koanf cannot have a value and keys below it.
func TestTree_valueAndKeys(t *testing.T) {
	run(t, func(w *world) {
		w.Put("/config/db", "a")
		tree := w.tree(docentkoanf.Text())
		a := w.app(tree, nil)
		w.Put("/config/db/pool/max", "5")
		time.Sleep(time.Second)
		require.EqualError(w, a.errors(), "read /config: the key db has a value and the key db/pool/max below it: "+
			"delete one of them, or use an object as the value")
		a.has(0, map[string]any{"db": "a"})
		require.NoError(w, w.Server.Remove("/config/db/pool/max"))
		require.NoError(w, w.Server.Remove("/config/db/pool"))
		time.Sleep(time.Second)
		require.NoError(w, a.load())
	})
}

// Watch may be called again after Unwatch. The end of the Manager is reported.
func TestTree_ends(t *testing.T) {
	run(t, func(w *world) {
		w.Put("/config/qps", "5")
		tree := w.tree(docentkoanf.Text())
		a := w.app(tree, nil)
		require.Error(w, tree.Watch(nil))
		require.NoError(w, tree.Unwatch())
		w.Put("/config/qps", "6")
		time.Sleep(time.Second)
		a.has(0, map[string]any{"qps": "5"})
		ends := make(chan error, 1)
		require.NoError(w, tree.Watch(func(_ any, err error) {
			if err != nil {
				ends <- err
			}
		}))
		require.NoError(w, w.p.Close())
		require.ErrorIs(w, <-ends, session.ErrClosed)
	})
}
