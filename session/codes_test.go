package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/wire"
)

// Each code of the protocol has a class and a name, and what has no sentinel
// error says what to do.
func TestFault09_EveryCodeHasAClass(t *testing.T) {
	const wantUnanswered, wantExecuted, wantRefused, wantSkipped, wantOpen = unanswered, executed, refused, skipped, open
	want := map[int32]outcome{
		0: wantExecuted,
		// KeeperException.Code of 3.8 and 3.9
		-1: wantOpen, -2: wantOpen, -3: wantOpen, -4: wantOpen, -5: wantRefused, -6: wantRefused, -7: wantOpen, -8: wantRefused,
		-12: wantRefused, -13: wantRefused, -14: wantRefused,
		-100: wantOpen, -101: wantRefused, -102: wantRefused, -103: wantRefused, -108: wantRefused, -110: wantRefused,
		-111: wantRefused, -112: wantUnanswered, -113: wantRefused, -114: wantRefused, -115: wantRefused, -118: wantSkipped,
		-119: wantRefused, -120: wantRefused, -121: wantRefused, -122: wantOpen, -123: wantRefused, -124: wantRefused,
		-125: wantRefused, -127: wantSkipped,
		// those of the C client alone
		-9: wantOpen, -116: wantUnanswered, -117: wantUnanswered, -126: wantOpen,
	}
	for code := range wire.Code(200) {
		_, wanted := want[int32(-code)]
		require.Equal(t, wanted, (-code).Name() != "", "%d", -code)
	}
	for number, o := range want {
		if number == 0 {
			continue
		}
		code := wire.Code(number)
		sentinel := sentinels[code]
		require.True(t, (sentinel != nil) != (code.Advice() != ""), "%d: a sentinel or advice", number)

		// As the client hands it over.
		err := sentinel
		if err == nil || err == ErrUnimplemented {
			err = fmt.Errorf("unknown error: %d", number)
		}
		got, answer := verdict(err)
		require.Equal(t, o, got, number)
		if sentinel != nil {
			require.ErrorIs(t, answer, sentinel)
			continue
		}
		require.ErrorContains(t, answer, fmt.Sprintf("%s (%d): ", code.Name(), number))
		require.Equal(t, &CodeError{number}, answer)
	}

	o, answer := verdict(fmt.Errorf("unknown error: %d", -4711))
	require.Equal(t, open, o, "a code of a later version may say anything")
	require.ErrorContains(t, answer, "-4711")
	o, _ = verdict(nil)
	require.Equal(t, executed, o)
	for _, err := range []error{zk.ErrInvalidPath, fmt.Errorf("create with TTL: %w", zk.ErrInvalidFlags), zk.ErrShortBuffer} {
		o, _ = verdict(err)
		require.Equal(t, refused, o, "it was never sent, and never will be")
	}
	o, _ = verdict(zk.ErrNoServer)
	require.Equal(t, skipped, o)
	for _, err := range []error{zk.ErrConnectionClosed, zk.ErrClosing, zk.ErrSessionExpired, fmt.Errorf("unknown error: x")} {
		o, _ = verdict(err)
		require.Equal(t, unanswered, o, err.Error())
	}
	require.False(t, strings.Contains((&CodeError{-127}).Error(), "error code"))
}
