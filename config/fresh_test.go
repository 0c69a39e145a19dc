package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// Each call sees what was written before it, although its server lags behind.
func TestFreshOnALaggingServer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		store := config.NewStore(w.sm, "/c")
		lag := func() { w.Srv.Lag(w.p.Current().ID()) }
		w.Put("/c/other", "1")

		lag()
		w.Put("/c/key", "1")
		e, err := store.Get(ctx, "key")
		require.NoError(t, err)
		require.Equal(t, "1", string(e.Data))

		w.Remove("/c/key")
		lag()
		w.Put("/c/key", "2")
		_, err = store.Set(ctx, "key", []byte("3"), 0)
		require.NoError(t, err, "the key exists")

		w.Remove("/c/key")
		lag()
		w.Put("/c/key", "4")
		require.NoError(t, store.Delete(ctx, "key", session.AnyVersion))

		lag()
		w.Put("/c/key", "5")
		require.NoError(t, store.Publish(ctx, config.SetKey("key", []byte("6"), session.AnyVersion)))

		lag()
		w.Remove("/c/key")
		e, err = store.Put(ctx, "key", []byte("7"))
		require.NoError(t, err)
		require.Equal(t, e.Created, e.Zxid)
	})
}

// A znode that another recipe had at the path is not held against the key that
// is there now.
func TestNoMoreForeignOnALaggingServer(t *testing.T) {
	for name, write := range map[string]func(s *config.Store, t *testing.T) error{
		"set": func(s *config.Store, t *testing.T) error {
			return testworld.ErrOf(s.Set(t.Context(), "key", []byte("x"), 0))
		},
		"put": func(s *config.Store, t *testing.T) error {
			return testworld.ErrOf(s.Put(t.Context(), "key", []byte("x")))
		},
		"delete": func(s *config.Store, t *testing.T) error { return s.Delete(t.Context(), "key", session.AnyVersion) },
		"publish": func(s *config.Store, t *testing.T) error {
			return s.Publish(t.Context(), config.SetKey("key", []byte("x"), 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.Put("/c", "")
				_, err := w.sm.Create(t.Context(), "/c/key", []byte("held"), session.Ephemeral)
				require.NoError(t, err)
				w.Srv.Lag(w.p.Current().ID())
				w.Remove("/c/key")
				w.Put("/c/key", "1")
				require.NoError(t, write(config.NewStore(w.sm, "/c"), t))
			})
		})
	}
}
