package core_test

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/internal/core"
)

// Session ids are printed in hexadecimal without a sign, wherever they occur.
func TestSessionIDsHaveNoSign(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.Int64(), rapid.Int64Range(math.MinInt64, math.MinInt64+1000), rapid.Int64Range(-1000, 1000)).Draw(t, "id")
		text := core.SessionID(id).String()
		back, err := strconv.ParseUint(text, 0, 64)
		require.NoError(t, err)
		require.Equal(t, id, int64(back))
		require.Equal(t, text, core.SessionID(id).LogValue().String())
		require.Equal(t, text, fmt.Sprint(core.SessionID(id)))
		if id != 0 {
			require.EqualError(t, &core.OpError{Op: "get", Path: "/a", Session: id, Err: core.ErrNoNode},
				"get /a: the znode does not exist (session "+text+")")
		}
	})
	require.Equal(t, "0xc81000a2f4c8e003", core.SessionID(-0x37effF5d0b371ffd).String())
	inWorld(t, func(w *world) {
		s := w.process().session()
		require.Negative(w, s.ID(), "the number of the server is above 127")
		require.Equal(w, "session "+core.SessionID(s.ID()).String(), fmt.Sprint(s))
	})
}
