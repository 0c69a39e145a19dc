package config_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testworld"
)

// An Update inside the function of an Update of the same Value says so, and
// that of another Value works.
func TestFault58_UpdateInsideItsOwnUpdate(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		open := func(path string, opts ...config.Option[string]) *config.Value[string] {
			v, err := config.Open(w.Context(), p.Manager, path, config.Text(), append(opts, config.Default(""))...)
			require.NoError(t, err)
			w.Cleanup(func() { require.NoError(t, v.Close()) })
			return v
		}
		a, b := open("/a"), open("/b")
		say := func(text string) func(string) (string, error) {
			return func(string) (string, error) { return text, nil }
		}
		began := time.Now()
		_, err := a.Update(w.Context(), func(string) (string, error) {
			_, err := b.Update(w.Context(), func(string) (string, error) {
				_, err := a.Update(w.Context(), say("inner"))
				require.ErrorIs(t, err, config.ErrUpdateInUpdate)
				return "b", nil
			})
			require.NoError(t, err)
			_, err = a.Update(w.Context(), say("inner"))
			return "outer", err
		})
		require.ErrorIs(t, err, config.ErrUpdateInUpdate, "the function has returned it")
		require.Less(t, time.Since(began), time.Second)
		require.Equal(t, "b", w.Data("/b"))

		_, err = a.Update(w.Context(), say("later"))
		require.NoError(t, err, "nothing is left of it")
		require.Equal(t, "later", w.Data("/a"))

		var c *config.Value[string]
		c = open("/c", config.Validate(func(text string) error {
			if text != "bad" {
				return nil
			}
			_, err := c.Update(w.Context(), say("inner"))
			return err
		}))
		_, err = c.Update(w.Context(), say("bad"))
		require.ErrorIs(t, err, config.ErrUpdateInUpdate)

		_, err = a.Update(w.Context(), func(string) (string, error) {
			other := make(chan error)
			go func() {
				_, err := a.Update(w.Within(time.Minute), say("inner"))
				other <- err
			}()
			return "", <-other
		})
		require.Error(t, err)
		require.False(t, errors.Is(err, config.ErrUpdateInUpdate), "it waits for its ctx")
	})
}

func TestFault58_ConcurrentCloses(t *testing.T) {
	testworld.EachEnd(t, func(w *testworld.World, p *testworld.Process, end func()) {
		w.Put("/a", "1")
		w.Put("/tree/a", "1")
		v, err := config.Open(w.Context(), p.Manager, "/a", config.Text())
		require.NoError(w, err)
		tree, err := config.OpenTree(w.Context(), p.Manager, "/tree", config.Text())
		require.NoError(w, err)
		change := func(text string) (string, error) { return text + "1", nil }
		update := func() { _, _ = v.Update(w.Within(time.Minute), change) } // it may be done or not
		closing := w.Twice(v.Close, end, update, update)
		require.Equal(w, [2]error{}, closing)
		require.Equal(w, [2]error{}, w.Twice(tree.Close))
		require.Error(w, v.Err())
		require.Error(w, tree.Err())
	})
}
