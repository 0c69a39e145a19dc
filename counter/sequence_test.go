package counter_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// sequence opens a sequence that is closed with the test.
func sequence(p *testworld.Process, opts ...counter.SequenceOption) *counter.Sequence {
	s := counter.NewSequence(p.Manager, path, opts...)
	p.W.Cleanup(func() { require.NoError(p.W, s.Close()) })
	return s
}

func next(w *testworld.World, s *counter.Sequence) int64 {
	w.Helper()
	n, err := s.Next(w.Context())
	require.NoError(w, err)
	return n
}

func TestSequence(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := sequence(w.Process(), counter.Block(10), counter.LowWater(-1)), sequence(w.Process(), counter.Block(5), counter.LowWater(-1))
		for want := range int64(10) {
			require.Equal(t, want+1, next(w, a))
		}
		require.EqualValues(t, 11, next(w, b))
		require.EqualValues(t, 16, next(w, a))
		require.EqualValues(t, 12, next(w, b))
		require.Equal(t, number(25), w.Data(path), "the greatest number of any block")
	})
}

// A block costs a read and a write. Next does not wait for a block that is
// fetched ahead of its use.
func TestSequenceCost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		s := sequence(w.Process(), counter.Block(10_000))
		next(w, s)
		synctest.Wait()
		counts := w.Count(func() {
			for range 10_000 {
				next(w, s)
			}
		})
		require.Equal(t, map[string]int{"getData": 1, "setData": 1}, counts)
		require.Zero(t, testing.AllocsPerRun(1000, func() { next(w, s) }))
	})
}

// While no server answers, what was fetched is given, and then Next waits as
// long as its ctx allows.
func TestSequenceWithoutServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := sequence(p, counter.Block(10), counter.LowWater(9))
		next(w, s)
		synctest.Wait() // the next block is here
		p.Link.Cut(zktest.Both)
		for range 19 {
			next(w, s)
		}
		start := time.Now()
		_, err := s.Next(w.Within(time.Minute))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start))
		_, err = s.Next(testworld.Cancelled())
		require.ErrorIs(t, err, context.Canceled)
		waiting := testworld.Go(w, s.Next)
		require.True(t, waiting.Waiting())
		p.Link.Heal()
		require.Greater(t, waiting.Get(), int64(20))
	})
}

func TestSequenceClose(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := sequence(p)
		p.Link.Cut(zktest.Both)
		waiting := testworld.Go(w, s.Next)
		require.NoError(t, s.Close())
		_, err := waiting.Result()
		require.ErrorIs(t, err, session.ErrClosed)
		_, err = s.Next(w.Context())
		require.ErrorIs(t, err, session.ErrClosed)
		require.NoError(t, s.Close())

		p = w.Process()
		s = sequence(p)
		p.Link.Cut(zktest.Both)
		waiting = testworld.Go(w, s.Next)
		require.NoError(t, p.Close())
		_, err = waiting.Result()
		require.ErrorIs(t, err, session.ErrClosed)
	})
}

// A done ctx gets no number, although there is one.
func TestSequenceContext(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		s := sequence(w.Process())
		require.EqualValues(t, 1, next(w, s))
		_, err := s.Next(testworld.Cancelled())
		require.ErrorIs(t, err, context.Canceled)
		require.EqualValues(t, 2, next(w, s))
	})
}

func TestSequenceErrors(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		_, err := counter.NewSequence(p.Manager, "n").Next(w.Context())
		require.ErrorContains(t, err, "relative")
		_, err = counter.NewSequence(p.Manager, path, counter.Block(0)).Next(w.Context())
		require.ErrorContains(t, err, "Block(0): a block")

		s := sequence(p, counter.Block(10), counter.LowWater(-1))
		c := counter.New(p.Manager, path)
		require.NoError(t, c.Set(w.Context(), math.MaxInt64-15))
		for range 10 {
			next(w, s)
		}
		_, err = s.Next(w.Context())
		require.ErrorIs(t, err, counter.ErrOverflow)

		for range 10 {
			require.NoError(t, c.Set(w.Context(), 7))
			_, err = s.Next(w.Context())
			require.ErrorIs(t, err, counter.ErrSetBack)
			require.ErrorContains(t, err, path)
			w.Remove(path)
			_, err = s.Next(w.Context())
			require.ErrorIs(t, err, counter.ErrSetBack)
		}
		require.NoError(t, c.Set(w.Context(), -1))
		_, err = sequence(p).Next(w.Context())
		require.ErrorIs(t, err, counter.ErrSetBack)
		w.Put(path, "broken")
		_, err = s.Next(w.Context())
		var format *counter.FormatError
		require.ErrorAs(t, err, &format)
		w.Remove(path)
		require.EqualValues(t, 1, next(w, sequence(p)))
	})
}

// A fetch ahead that fails is not tried again for each number.
func TestSequenceFailedPrefetch(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		s := sequence(w.Process(), counter.Block(10), counter.LowWater(9))
		remove := func() {}
		w.Once(isSet, func() zktest.Action {
			remove = w.Fail(zktest.OpGetData, path, zktest.CodeNoAuth)
			return zktest.Fail(zktest.CodeNoAuth)
		})
		counts := w.Count(func() {
			for range 10 {
				next(w, s)
				synctest.Wait()
			}
		})
		require.Equal(t, 1, counts["setData"])
		require.Equal(t, 2, counts["getData"], "for the first block, and for the fetch ahead that failed")
		remove()
		require.EqualValues(t, 11, next(w, s))
	})
}

// The answer to the write of a block is lost: the block is given up, or proves
// to be ours.
func TestSequenceLostAnswers(t *testing.T) {
	for _, action := range []zktest.Action{zktest.LoseReply, zktest.DropRequest} {
		testworld.Run(t, func(w *testworld.World) {
			s, other := sequence(w.Process(), counter.Block(5), counter.LowWater(-1)), sequence(w.Process(), counter.Block(5), counter.LowWater(-1))
			var given []int64
			for i := range 100 {
				if i%7 == 0 {
					w.Once(isSet, func() zktest.Action { return action })
				}
				given = append(given, next(w, s), next(w, other))
			}
			slices.Sort(given)
			require.Len(t, slices.Compact(given), 200)
		})
	}
}
