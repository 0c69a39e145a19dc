package zktest

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// arrivals dials a link twice and returns the arrival times of some frames on
// each connection.
func arrivals(t *testing.T, seed uint64) []time.Duration {
	var all []time.Duration
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		link := s.Link()
		link.Jitter(time.Millisecond, seed)
		for range 2 {
			client, server := link.connect()
			began := time.Now()
			for i := range 20 {
				_, err := client.Write([]byte{byte(i)})
				require.NoError(t, err)
			}
			for i := range 20 {
				b := make([]byte, 1)
				_, err := io.ReadFull(server, b)
				require.NoError(t, err)
				require.Equal(t, byte(i), b[0], "nothing is reordered")
				all = append(all, time.Since(began))
			}
			require.NoError(t, client.Close())
			require.NoError(t, server.Close())
		}
		_, err := link.DialContext(context.Background(), "tcp", "zk1")
		require.NoError(t, err)
	})
	return all
}

func TestJitterIsAFunctionOfItsSeed(t *testing.T) {
	first := arrivals(t, 1)
	require.Equal(t, first, arrivals(t, 1))
	require.NotEqual(t, first, arrivals(t, 2))
	require.NotEqual(t, first[:20], first[20:], "every connection has latencies of its own")
	seen := make(map[time.Duration]bool)
	for _, at := range first[:20] {
		require.False(t, seen[at], "two frames arrive at one instant")
		seen[at] = true
		require.LessOrEqual(t, at, time.Millisecond+20)
	}
}
