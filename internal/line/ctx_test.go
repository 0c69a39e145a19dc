package line

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		least, most := 10*time.Millisecond, time.Second
		longest := func(n int) (d time.Duration) {
			for range 200 {
				start := time.Now()
				require.NoError(t, Pause(t.Context(), n, least, most))
				d = max(d, time.Since(start))
			}
			return d
		}
		require.Zero(t, longest(-1))
		require.LessOrEqual(t, longest(0), least)
		d := longest(3)
		require.LessOrEqual(t, d, 8*least)
		require.Greater(t, d, 4*least)
		for _, n := range []int{10, 40, 100} {
			d = longest(n)
			require.LessOrEqual(t, d, most)
			require.Greater(t, d, most/2)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, Pause(ctx, 100, time.Hour, time.Hour), context.DeadlineExceeded)
		require.LessOrEqual(t, time.Since(start), time.Nanosecond)
		require.ErrorIs(t, Pause(ctx, -1, least, most), context.DeadlineExceeded)
	})
}

func TestEachOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		seen, busy, most := make(map[int]int), 0, 0
		require.NoError(t, EachOf(100, func(i int) error {
			mu.Lock()
			seen[i]++
			busy++
			most = max(most, busy)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			busy--
			mu.Unlock()
			return nil
		}))
		require.Len(t, seen, 100)
		for _, n := range seen {
			require.Equal(t, 1, n)
		}
		require.Equal(t, readers, most)

		broken, calls := errors.New("broken"), 0
		require.Equal(t, broken, EachOf(10_000, func(int) error {
			mu.Lock()
			defer mu.Unlock()
			calls++
			return broken
		}))
		require.LessOrEqual(t, calls, readers)
		require.NoError(t, EachOf(0, func(int) error { return broken }))
	})
}
