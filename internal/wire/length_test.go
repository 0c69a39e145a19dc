package wire

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The length in the stat of data is the length of the data, and no number in a
// stat that readers add up is negative.
func TestFault44_LengthsInStats(t *testing.T) {
	for _, said := range []int32{math.MinInt32, -1, 0, 3, math.MaxInt32} {
		body := join(bufferBytes([]byte("abcd")), statBytes(statOf(said)))
		_, stat, err := DataOf(body)
		require.NoError(t, err)
		require.Equal(t, statOf(4), stat)
		results, err := ResultsOf(resultsBytes([]Result{{Op: OpGetData, Data: []byte("abcd"), Stat: statOf(said)}}), 1)
		require.NoError(t, err)
		require.Equal(t, statOf(4), results[0].Stat)

		children := statOf(said)
		children.NumChildren = said
		stat, err = StatOf(statBytes(children))
		require.NoError(t, err)
		require.Equal(t, max(0, said), stat.DataLength)
		require.Equal(t, max(0, said), stat.NumChildren)
	}
}
