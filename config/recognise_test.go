package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/session"
)

// Every write of a key leaves what is not a key.
func TestFault25_KeysAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := config.NewStore(p.Manager, "/app")
		h := s.History(3)
		held, err := p.Create(w.Context(), "/app", nil, session.Persistent)
		require.NoError(w, err)
		held, err = p.Create(w.Context(), held+"/held", []byte("{}"), session.Ephemeral)
		require.NoError(w, err)
		value, err := config.Open(w.Context(), p.Manager, "/app/held", config.JSON[map[string]int]())
		require.NoError(w, err)
		defer value.Close()
		for what, write := range map[string]func(key string) error{
			"set": func(key string) error { _, err := s.Set(w.Context(), key, []byte("x"), config.AnyVersion); return err },
			"put": func(key string) error { _, err := s.Put(w.Context(), key, []byte("x")); return err },
			"delete": func(key string) error {
				return s.Delete(w.Context(), key, config.AnyVersion)
			},
			"history set": func(key string) error { _, err := h.Set(w.Context(), key, []byte("x"), config.AnyVersion); return err },
			"history put": func(key string) error { _, err := h.Put(w.Context(), key, []byte("x")); return err },
			"update": func(string) error {
				_, err := value.Update(w.Context(), func(m map[string]int) (map[string]int, error) { return map[string]int{"a": 1}, nil })
				return err
			},
		} {
			require.ErrorIs(w, write("held"), config.ErrNotKey, what)
			require.Equal(w, "{}", w.Data(held), what)
		}
		require.NoError(w, barrier.New(p.Manager, "/app/gate").Set(w.Context()))
		err = s.Delete(w.Context(), "gate", config.AnyVersion)
		require.ErrorIs(w, err, config.ErrNotKey)
		require.ErrorContains(w, err, "it is a gate")
		_, err = s.Set(w.Context(), "gate", []byte("x"), config.AnyVersion)
		require.ErrorIs(w, err, config.ErrNotKey)

		w.Put("/app/key", `{"host":"db","port":5432}`)
		_, err = s.Set(w.Context(), "key", []byte("x"), config.AnyVersion)
		require.NoError(w, err)
		require.NoError(w, s.Delete(w.Context(), "key", config.AnyVersion))
	})
}
