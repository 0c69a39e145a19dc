package inspect

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEachOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		seen, busy, most := make(map[int]int), 0, 0
		require.NoError(t, eachOf(100, func(i int) error {
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
		require.Equal(t, maxParallel, most)

		broken, calls := errors.New("broken"), 0
		require.Equal(t, broken, eachOf(10_000, func(int) error {
			mu.Lock()
			defer mu.Unlock()
			calls++
			return broken
		}))
		require.LessOrEqual(t, calls, maxParallel)
		require.NoError(t, eachOf(0, func(int) error { return broken }))
	})
}
