package config_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// An Update inside the function of an Update of the same Value waits for itself
// until its ctx ends, and leaves nothing behind. An Update of another Value
// works.
func TestFault58_UpdateInsideItsOwnUpdate(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		open := func(path string) *config.Value[string] {
			v, err := config.Open(w.Context(), p.Manager, path, config.Text(), config.Default(""))
			require.NoError(t, err)
			w.Cleanup(func() { require.NoError(t, v.Close()) })
			return v
		}
		a, b := open("/a"), open("/b")
		say := func(text string) func(string) (string, error) {
			return func(string) (string, error) { return text, nil }
		}
		_, err := a.Update(w.Context(), func(string) (string, error) {
			_, err := b.Update(w.Context(), say("b"))
			require.NoError(t, err)
			_, err = a.Update(w.Within(time.Minute), say("inner"))
			return "outer", err
		})
		require.ErrorIs(t, err, context.DeadlineExceeded, "the function has returned it")
		require.Equal(t, "b", w.Data("/b"))
		require.Empty(t, a.Load().Value, "nothing was written")

		_, err = a.Update(w.Context(), say("later"))
		require.NoError(t, err)
		require.Equal(t, "later", w.Data("/a"))
	})
}
