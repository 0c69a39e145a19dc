package counter_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// Every error of a verb is an OpError with the verb and the path.
func TestErrorsNameVerbAndPath(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		ctx := w.Context()
		w.Put("/text", "abc")
		w.Put("/n", number(7))
		text, n := counter.New(p.Manager, "/text"), counter.New(p.Manager, "/n", counter.Layout(counter.Int32))
		unknown := counter.New(p.Manager, "/n", counter.Layout(7))
		wrong := counter.New(p.Manager, "n")
		closed := counter.NewSequence(p.Manager, "/closed")
		require.NoError(w, closed.Close())
		back := counter.NewSequence(p.Manager, "/back", counter.Block(10), counter.LowWater(-1))
		defer back.Close()
		for range 10 {
			require.NoError(w, testworld.ErrOf(back.Next(ctx)))
		}
		w.Put("/back", number(3))
		const notText = "the znode does not hold a number of this layout: it has 3 bytes, and should have 8; check the path and the layout"
		const noFormat = "Layout(7): unknown format; use Int64, Int32 or Decimal"
		for _, c := range []struct {
			err      error
			op, path string
			is       error
			text     string
		}{
			{testworld.ErrOf(text.Get(ctx)), "get counter", "/text", session.ErrForeign, notText},
			{testworld.ErrOf(text.Add(ctx, 1)), "add to counter", "/text", session.ErrForeign, notText},
			{text.Set(ctx, 1), "set counter", "/text", session.ErrForeign, notText},
			{testworld.ErrOf(text.CompareAndSet(ctx, 1, 2)), "compare and set counter", "/text", session.ErrForeign, notText},
			{first(text.Changes(ctx)), "watch counter", "/text", session.ErrForeign, notText},
			{testworld.ErrOf(wrong.Get(ctx)), "get counter", "n", nil, `invalid path "n": it is relative`},
			{wrong.Set(ctx, 1), "set counter", "n", nil, `invalid path "n": it is relative`},
			{first(wrong.Changes(ctx)), "watch counter", "n", nil, `invalid path "n": it is relative`},
			{n.Set(ctx, math.MaxInt64), "set counter", "/n", counter.ErrOverflow,
				"the number does not fit into the counter: 9223372036854775807 is not between -2147483648 and 2147483647"},
			{testworld.ErrOf(unknown.Get(ctx)), "get counter", "/n", nil, noFormat},
			{testworld.ErrOf(unknown.Add(ctx, 1)), "add to counter", "/n", nil, noFormat},
			{unknown.Set(ctx, 1), "set counter", "/n", nil, noFormat},
			{first(unknown.Changes(ctx)), "watch counter", "/n", nil, noFormat},
			{testworld.ErrOf(closed.Next(ctx)), "get next number", "/closed", session.ErrClosed, "the sequence is closed"},
			{testworld.ErrOf(back.Next(ctx)), "get next number", "/back", counter.ErrSetBack,
				"the sequence was set back, and would give numbers twice: its znode has 3, after 10; set it above the greatest number in use"},
			{testworld.ErrOf(counter.NewSequence(p.Manager, "/s", counter.Block(0)).Next(ctx)), "get next number", "/s", nil,
				"Block(0): a block must have at least one number"},
		} {
			require.ErrorContains(w, c.err, c.op+" "+c.path+": "+c.text)
			var op *session.OpError
			require.ErrorAs(w, c.err, &op)
			require.Equal(w, c.op, op.Op)
			require.Equal(w, c.path, op.Path)
			if c.is != nil {
				require.ErrorIs(w, c.err, c.is)
			}
		}
		require.NotErrorIs(w, testworld.ErrOf(closed.Next(ctx)), session.ErrLost, "no hold has ended")
	})
}

// first returns the first error of a loop over Changes.
func first(changes func(func(counter.Value, error) bool)) error {
	for _, err := range changes {
		if err != nil {
			return err
		}
	}
	return nil
}

// The wait for another goroutine's Add ends with the ctx, for its reason.
func TestWaitForAnotherAdd(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		c := counter.New(p.Manager, path)
		w.Srv.Freeze()
		first := testworld.Go(w, func(ctx context.Context) (int64, error) { return c.Add(ctx, 1) })
		require.True(w, first.Waiting())
		start := time.Now()
		err := testworld.ErrOf(c.Add(w.Within(time.Second), 1))
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.Equal(w, time.Second, time.Since(start))
		require.ErrorIs(w, testworld.ErrOf(c.Add(testworld.Cancelled(), 1)), context.Canceled)
		w.Srv.Thaw()
		require.EqualValues(w, 1, first.Get())
		require.ErrorIs(w, testworld.ErrOf(c.Add(testworld.Cancelled(), 1)), context.Canceled, "although it is its turn")
		require.Equal(w, number(1), w.Data(path))
	})
}
