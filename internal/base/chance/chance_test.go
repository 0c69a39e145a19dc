package chance_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/chance"
)

func draw() []time.Duration {
	some := make([]time.Duration, 20)
	for i := range some {
		some[i] = chance.N(time.Hour)
	}
	return some
}

func TestUnique(t *testing.T) {
	require.NotEqual(t, chance.Unique(), chance.Unique())
	restore := chance.Seed(7)
	first, second := chance.Unique(), chance.Unique()
	restore()
	require.NotEqual(t, first, second)
	defer chance.Seed(7)()
	require.Equal(t, first, chance.Unique())
}

func TestSeed(t *testing.T) {
	restore := chance.Seed(7)
	first := draw()
	restore()
	restore = chance.Seed(7)
	second := draw()
	restore()
	require.Equal(t, first, second)

	restore = chance.Seed(8)
	other := draw()
	restore()
	require.NotEqual(t, first, other)
	require.NotEqual(t, draw(), draw(), "without a seed the draws differ")
	for range 1000 {
		require.Less(t, chance.N(3), 3)
		require.GreaterOrEqual(t, chance.N(3), 0)
	}
}
