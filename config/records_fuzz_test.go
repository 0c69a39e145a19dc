package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Any name in a history is a record of it, with all parts in their place, or
// none.
func FuzzRecords(f *testing.F) {
	mark := strings.Repeat("A", markLength)
	for _, name := range []string{"", ownValue, ownValue + mark + "-0000000007", externalValue + mark + "-2147483647", ownValue + mark + "--2147483648", ownValue + mark} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		r, ok := parseRecord(name)
		if !ok {
			return
		}
		require.Equal(t, name, r.name)
		require.Len(t, r.mark, markLength)
		require.Contains(t, name, r.mark+"-")
		require.Equal(t, strings.HasPrefix(name, externalValue), r.external)
	})
}
