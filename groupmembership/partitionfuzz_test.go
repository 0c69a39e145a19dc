package groupmembership

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever data are in the place of the number of partitions, the error is a
// short line, and shows only a number.
func FuzzCountError(f *testing.F) {
	for _, found := range []string{"7", "-1", "", "\x1b[31m\nsecret", "99999999999999999999", "7\n", "+7"} {
		f.Add(found)
	}
	f.Fuzz(func(t *testing.T, found string) {
		said := (&countError{found: found, want: 8}).Error()
		require.Less(t, len(said), 250)
		for _, r := range said {
			require.True(t, r >= ' ' && r <= '~', "%q", said)
		}
		if n, err := strconv.Atoi(found); err == nil {
			require.Contains(t, said, strconv.Itoa(n))
		}
	})
}
