package counter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/session"
)

// Add and Set write over numbers alone.
func TestFault25_NumbersAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		c := counter.New(p.Manager, path)
		var format *counter.FormatError
		w.Put(path, `{"qps":2}`)
		require.ErrorAs(w, c.Set(w.Context(), 5), &format)
		_, err := c.Add(w.Context(), 5)
		require.ErrorAs(w, err, &format)
		require.Equal(w, `{"qps":2}`, w.Data(path))

		w.Remove(path)
		w.Put(path+"/_c_1-lock-0000000000", "")
		require.ErrorAs(w, c.Set(w.Context(), 5), &format, "a lock's directory")
		require.Empty(w, w.Data(path))

		w.Remove(path)
		_, err = p.Create(w.Context(), path, []byte("12345678"), session.Ephemeral)
		require.NoError(w, err)
		require.ErrorAs(w, c.Set(w.Context(), 5), &format, "the node of a session")
		_, err = c.Add(w.Context(), 5)
		require.ErrorContains(w, err, "belongs to the session")
		require.Equal(w, "12345678", w.Data(path))
	})
}
