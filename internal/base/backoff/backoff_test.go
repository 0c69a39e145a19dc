package backoff_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/backoff"
)

func TestPause(t *testing.T) {
	for _, b := range []backoff.Backoff{
		{Min: time.Millisecond, Max: 100 * time.Millisecond},
		{Min: 200 * time.Millisecond, Max: 10 * time.Second, Floor: 100 * time.Millisecond},
		{Min: time.Hour, Max: math.MaxInt64},
	} {
		require.Zero(t, b.Pause(-1))
		for n := range 100 {
			bound := b.Max
			if n < 6 {
				bound = min(b.Min<<n, b.Max)
			}
			var pauses []time.Duration
			for range 50 {
				pauses = append(pauses, b.Pause(n))
			}
			slices.Sort(pauses)
			require.Greater(t, pauses[0], b.Floor)
			require.LessOrEqual(t, pauses[49], bound)
			require.Greater(t, len(slices.Compact(pauses)), 25, "they are random")
		}
	}
}

func TestPauseWithABoundBelowTheFloor(t *testing.T) {
	require.Equal(t, time.Millisecond, backoff.Backoff{Min: time.Second, Max: time.Millisecond, Floor: time.Minute}.Pause(3))
	require.Zero(t, backoff.Backoff{}.Pause(3))
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := backoff.Backoff{Min: time.Minute, Max: time.Hour, Floor: 30 * time.Second}
		start := time.Now()
		require.NoError(t, b.Wait(t.Context(), -1))
		require.Zero(t, time.Since(start))
		require.NoError(t, b.Wait(t.Context(), 0))
		require.Greater(t, time.Since(start), 30*time.Second)
		require.LessOrEqual(t, time.Since(start), time.Minute)

		start = time.Now()
		cause := errors.New("stopping")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		for _, n := range []int{5, 0, -1} {
			err := b.Wait(ctx, n)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, cause)
			require.Equal(t, time.Second, time.Since(start), "it does not wait after the end of ctx")
		}
	})
}

func TestAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		over, stop := backoff.After(time.Minute)
		<-over
		require.Equal(t, time.Minute, time.Since(began))
		stop()

		over, stop = backoff.After(time.Minute)
		stop()
		time.Sleep(time.Hour)
		require.Empty(t, over, "it was stopped")

		for _, d := range []time.Duration{0, -time.Second} {
			over, stop = backoff.After(d)
			require.Nil(t, over)
			stop()
		}
	})
}
