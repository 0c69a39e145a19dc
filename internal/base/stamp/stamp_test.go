package stamp_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/stamp"
)

// Every number is a time with a JSON form, in every zone, and times of this age
// are as they are written.
func TestMillis(t *testing.T) {
	now := time.Now().Truncate(time.Millisecond)
	require.True(t, now.Equal(stamp.Millis(now.UnixMilli())))
	require.True(t, time.UnixMilli(0).Equal(stamp.Millis(0)))
	require.Equal(t, time.UnixMilli(4711), stamp.Millis(4711), "as time.UnixMilli, in the same zone")
	require.True(t, stamp.Millis(math.MinInt64).IsZero())
	for _, ms := range []int64{math.MinInt64, -62135596800001, -62135596800000, -1, 0, 253402300799999, 253402300800000, math.MaxInt64} {
		at := stamp.Millis(ms)
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("east", 14*3600), time.FixedZone("west", -12*3600)} {
			_, err := json.Marshal(at.In(zone))
			require.NoError(t, err, "%d", ms)
		}
	}
}
