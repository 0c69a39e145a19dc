package grace_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/grace"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleep := func(d time.Duration) <-chan struct{} { return grace.Done(func() { time.Sleep(d) }) }
		took := func(done ...<-chan struct{}) time.Duration {
			start := time.Now()
			grace.For(done...)
			return time.Since(start)
		}
		require.Zero(t, took())
		require.Equal(t, 2*time.Millisecond, took(sleep(time.Millisecond), sleep(2*time.Millisecond)))
		require.Equal(t, 2*time.Millisecond, took(sleep(2*time.Millisecond), sleep(time.Millisecond)))
		require.Equal(t, grace.Period, took(sleep(time.Hour), sleep(2*time.Hour)), "one period for all")
		time.Sleep(3 * time.Hour)
	})
}
