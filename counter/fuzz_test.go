package counter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Any bytes are a number of the layout, which is the same when it is written
// again, or refused with a reason that does not show them.
func FuzzFormats(f *testing.F) {
	for _, data := range []string{"", "7", "-9223372036854775808", "9223372036854775808", "\x00\x00\x00\x01", "\xff\xff\xff\xff\xff\xff\xff\xff", "\x1b[31m"} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, l := range layouts {
			n, reason := l.decode(data)
			if reason != "" {
				for _, r := range reason {
					require.True(t, r >= ' ' && r <= '~', "%q", reason)
				}
				require.Less(t, len(reason), 100)
				continue
			}
			require.LessOrEqual(t, l.min, n)
			require.GreaterOrEqual(t, l.max, n)
			again, reason := l.decode(l.encode(n))
			require.Empty(t, reason)
			require.Equal(t, n, again)
		}
	})
}
