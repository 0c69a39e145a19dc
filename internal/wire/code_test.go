package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A name belongs to one code, and each code of the class Unknown says what to
// do.
func TestCodes(t *testing.T) {
	names := make(map[string]bool)
	for code, info := range codes {
		require.False(t, names[info.name], info.name)
		names[info.name] = true
		require.Equal(t, info.class, code.Class())
	}
	require.Equal(t, Unknown, Code(-4711).Class(), "a code of a later version may say anything")
	require.Empty(t, Code(-4711).Name())
}
