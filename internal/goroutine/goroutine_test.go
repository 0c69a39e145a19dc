package goroutine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/goroutine"
)

func TestID(t *testing.T) {
	own := goroutine.ID()
	require.NotZero(t, own)
	require.Equal(t, own, func() uint64 { return goroutine.ID() }())
	seen := map[uint64]bool{own: true}
	for range 10 {
		other := make(chan uint64)
		go func() { other <- goroutine.ID() }()
		id := <-other
		require.False(t, seen[id])
		seen[id] = true
	}
}
