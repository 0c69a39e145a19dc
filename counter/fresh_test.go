package counter_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// A call that refuses to write has seen every write before it, although its
// server lags behind.
func TestRefusalsOnALaggingServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		c := counter.New(p.Manager, path)
		small := counter.New(p.Manager, path, counter.Layout(counter.Int32))
		lag := func(old, now string) {
			w.Put(path, old)
			require.NoError(w, p.Sync(w.Context(), "/"))
			w.Srv.Lag(p.Current().ID())
			w.Put(path, now)
		}
		lag(number(4), number(5))
		swapped, err := c.CompareAndSet(w.Context(), 5, 6)
		require.NoError(w, err)
		require.True(w, swapped, "the number is 5")

		lag("\x7f\xff\xff\xff", "\x00\x00\x00\x07")
		n, err := small.Add(w.Context(), 1)
		require.NoError(w, err, "the number fits")
		require.EqualValues(w, 8, n)

		lag("text", number(9))
		n, err = c.Add(w.Context(), 1)
		require.NoError(w, err, "it is a number")
		require.EqualValues(w, 10, n)

		lag("text", number(9))
		require.NoError(w, c.Set(w.Context(), 1), "it is a number")

		lag(number(9), number(9))
		_, err = c.Add(w.Context(), math.MaxInt64)
		require.ErrorIs(w, err, counter.ErrOverflow)

		lag("\x80\x00\x00\x00\x00\x00\x00\x00", number(0)) // a negative number was mended
		s := counter.NewSequence(p.Manager, path)
		defer s.Close()
		n, err = s.Next(w.Context())
		require.NoError(w, err, "the sequence was not set back")
		require.EqualValues(w, 1, n)
	})
}
