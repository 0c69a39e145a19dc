package core

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/wire"
)

// Each code of the protocol has a class and a name. The text of a code without
// a sentinel error says what to do.
func TestFault09_EveryCodeHasAClass(t *testing.T) {
	// Names, so that the table does not follow a change of the constants.
	const wantExecuted, wantRefused, wantSkipped, wantOpen = executed, refused, skipped, open
	want := map[wire.Code]outcome{
		0: wantExecuted,
		// KeeperException.Code of 3.8 and 3.9
		-1: wantOpen, -2: wantOpen, -3: wantOpen, -4: wantOpen, -5: wantRefused, -6: wantRefused, -7: wantOpen, -8: wantRefused,
		-12: wantRefused, -13: wantRefused, -14: wantRefused,
		-100: wantOpen, -101: wantRefused, -102: wantRefused, -103: wantRefused, -108: wantRefused, -110: wantRefused,
		-111: wantRefused, -112: wantRefused, -113: wantRefused, -114: wantRefused, -115: wantRefused, -118: wantSkipped,
		-119: wantRefused, -120: wantRefused, -121: wantRefused, -122: wantOpen, -123: wantRefused, -124: wantRefused,
		-125: wantRefused, -127: wantSkipped,
		// only the C client has these codes
		-9: wantOpen, -116: wantOpen, -117: wantOpen, -126: wantOpen,
	}
	for code := range wire.Code(200) {
		_, wanted := want[-code]
		require.Equal(t, wanted, (-code).Name() != "", "%d", -code)
	}
	for code, o := range want {
		got, answer := classify(code)
		require.Equal(t, o, got, "%d", code)
		if code == wire.CodeOK {
			require.NoError(t, answer)
			continue
		}
		sentinel := sentinels[code]
		require.True(t, (sentinel != nil) != (code.Advice() != ""), "%d: a sentinel or advice", code)
		if sentinel != nil {
			require.ErrorIs(t, answer, sentinel)
			continue
		}
		require.ErrorContains(t, answer, fmt.Sprintf("%s (%d): ", code.Name(), code))
		require.Equal(t, &CodeError{int32(code)}, answer)
	}
	o, answer := classify(-4711)
	require.Equal(t, open, o, "a code of a later version may say anything")
	require.ErrorContains(t, answer, "-4711")
	require.True(t, open.doubtful())
	require.True(t, unanswered.doubtful())
	require.False(t, skipped.doubtful() || skipped.final())
}
