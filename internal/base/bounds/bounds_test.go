package bounds_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/bounds"
)

func TestOutOfRange(t *testing.T) {
	require.NoError(t, bounds.AtLeast("Limit", 1, 1))
	require.EqualError(t, bounds.AtLeast("Limit", 0, 1), "the option Limit(0) is too small; give 1 or more")
	require.EqualError(t, bounds.AtLeast("Depth", -1, 0), "the option Depth(-1) is negative; give 0 or more")
	require.NoError(t, bounds.NotNegative("Pause", 0))
	require.EqualError(t, bounds.NotNegative("Pause", -time.Nanosecond), "the option Pause(-1ns) is negative; give 0 or more")
}
