package core

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A proof relies on no request that may be unreported, and on none that is much
// older than the newest that is reported. The list of requests stays short.
func TestExchanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const timeout = time.Minute // a sixtieth is a second
		var kept exchanges
		var all []exchange
		answered, written := int64(0), int64(0)
		kept.begin(0)
		for range rapid.IntRange(1, 400).Draw(t, "requests") {
			answered += rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "pause")
			written = rapid.Int64Range(written, answered).Draw(t, "written")
			kept.add(written, answered, timeout)
			all = append(all, exchange{written, answered})
			require.Less(t, len(kept), 90)

			proof := rapid.Int64Range(max(0, answered-int64(timeout)), answered).Draw(t, "proof")
			newest, reliable := int64(0), int64(0)
			for _, one := range all {
				if one.answered <= proof-int64(15*time.Second) {
					newest = one.written
				}
				if one.answered <= proof-int64(17*time.Second) {
					reliable = one.written
				}
			}
			got, known := kept.reported(proof, timeout)
			require.True(t, known)
			require.LessOrEqual(t, got, newest, "it may be unreported")
			require.GreaterOrEqual(t, got, reliable, "a newer one is reported")
		}
	})
}
