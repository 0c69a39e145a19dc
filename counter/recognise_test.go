package counter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
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

		decimal := counter.New(p.Manager, path, counter.Layout(counter.Decimal))
		require.ErrorAs(w, decimal.Set(w.Context(), 5), &format, "digits over nothing")
		_, err = decimal.Add(w.Context(), 5)
		require.ErrorAs(w, err, &format)
		w.Remove(path + "/_c_1-lock-0000000000")
		require.ErrorAs(w, decimal.Set(w.Context(), 5), &format, "an empty directory")
		require.Empty(w, w.Data(path))
		for _, item := range []string{"/q/qn-0000000001", "/q/entry-100-0000000001"} {
			w.Put(item, "42")
			require.ErrorAs(w, counter.New(p.Manager, item, counter.Layout(counter.Decimal)).Set(w.Context(), 5), &format)
			require.Equal(w, "42", w.Data(item))
		}
		require.NoError(w, counter.New(p.Manager, "/new", counter.Layout(counter.Decimal)).Set(w.Context(), 5))

		w.Remove(path)
		_, err = p.Create(w.Context(), path, []byte("12345678"), session.Ephemeral)
		require.NoError(w, err)
		require.ErrorAs(w, c.Set(w.Context(), 5), &format, "the node of a session")
		_, err = c.Add(w.Context(), 5)
		require.ErrorContains(w, err, "belongs to the session")
		require.Equal(w, "12345678", w.Data(path))
	})
}
