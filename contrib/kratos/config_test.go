package docentkratos_test

import (
	"context"
	"testing"
	"time"

	kconfig "github.com/go-kratos/kratos/v2/config"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	docentkratos "github.com/docent-go/docent/contrib/kratos"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func (w world) source(r replica) *docentkratos.Source {
	s, err := docentkratos.OpenSource(w.Context(), r.Manager, "/config/orders")
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, s.Close()) })
	return s
}

// kratos's own Config follows the keys: files in YAML and JSON, and single
// values.
func TestSource_config(t *testing.T) {
	run(t, func(w world) {
		w.Put("/config/orders/app.yaml", "server:\n  port: 8000\n")
		w.Put("/config/orders/limits.json", `{"limits": {"qps": 5}}`)
		w.Put("/config/orders/db/host", "a")
		r := w.replica()
		c := kconfig.New(kconfig.WithSource(w.source(r)))
		require.NoError(w, c.Load())
		defer func() { require.NoError(w, c.Close()) }()
		value := func(key string) any { return c.Value(key).Load() }
		require.EqualValues(w, 8000, value("server.port"))
		require.EqualValues(w, 5, value("limits.qps"))
		require.Equal(w, "a", value("db.host"))

		changed := make(chan any, 1)
		require.NoError(w, c.Watch("limits.qps", func(_ string, v kconfig.Value) { changed <- v.Load() }))
		r.Expire()
		w.Put("/config/orders/limits.json", `{"limits": {"qps": 6}}`)
		require.EqualValues(w, 6, <-changed)
	})
}

// The last keys stay in an outage. No change between Load and Watch is missed,
// and what was loaded is not a change.
func TestSource_outage(t *testing.T) {
	run(t, func(w world) {
		w.Put("/config/orders/qps", "5")
		r := w.replica()
		s := w.source(r)
		load := func(kvs []*kconfig.KeyValue, err error) string {
			require.NoError(w, err)
			require.Len(w, kvs, 1)
			return string(kvs[0].Value)
		}
		require.Equal(w, "5", load(s.Load()))
		r.Link.Cut(zktest.Both)
		w.Put("/config/orders/qps", "6")
		time.Sleep(time.Hour)
		require.True(w, s.Stale())
		require.Equal(w, "5", load(s.Load()))
		r.Link.Heal()
		w.Eventually(func() bool { return !s.Stale() }, "the servers answer")
		time.Sleep(time.Second)
		watcher, err := s.Watch()
		require.NoError(w, err)
		require.Equal(w, "6", load(watcher.Next()))

		call := w.Go(func(context.Context) error {
			_, err := watcher.Next()
			return err
		})
		time.Sleep(time.Hour)
		require.True(w, call.Running())
		require.NoError(w, config.NewStore(r.Manager, "/config/orders").Delete(w.Context(), "qps", session.AnyVersion))
		require.NoError(w, call.Wait())
		require.NoError(w, s.Err())
		require.NoError(w, s.Close())
		_, err = watcher.Next()
		require.ErrorIs(w, err, context.Canceled)
		require.NoError(w, watcher.Stop())
	})
}
