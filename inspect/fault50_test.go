package inspect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// Data of recipes is kept as far as it fits, in the order of the tree. What is
// left out is counted, and two readers agree on it.
func TestFault50_BytesOfAReport(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		w.Put("/g", "")
		for i, n := range []int{400, 1 << 19, 500, 500, 50} {
			_, err := a.Create(w.Context(), fmt.Sprintf("/g/m%d", i), []byte(strings.Repeat("x", n)), session.Ephemeral)
			require.NoError(w, err)
		}
		put(w, a, "/l/_c_00000000000000000000000000000000-lock-0000000001", strings.Repeat("y", 1<<19))
		r := report(w, a, "/", MaxBytes(1100))
		require.Len(w, at[*Group](w, r, "/g").Members, 5)
		require.NotNil(w, at[*Lock](w, r, "/l").Holder)
		require.Equal(w, session.LeftOut{Znodes: 2, Bytes: 500 + 1<<19, First: []string{
			"/g/m3", "/l/_c_00000000000000000000000000000000-lock-0000000001",
		}}, r.LeftOut)
		require.False(w, r.Complete())
		require.Equal(w, r.LeftOut, report(w, a, "/", MaxBytes(1100)).LeftOut)
		next, _, stop := follow(w, a, "/", MaxBytes(1100))
		require.Equal(w, r.LeftOut, next().LeftOut)
		stop()
		r = report(w, a, "/g", MaxBytes(10_000))
		require.Equal(w, session.LeftOut{}, r.LeftOut)
		require.True(w, r.Complete())

		r = report(w, a, "/", MaxBytes(5))
		require.Equal(w, []string{"plain /", "plain /g", "omitted /g", "plain /l", "omitted /l"}, kinds(r))
		require.Equal(w, reasonBytes, r.Omitted()[0].Reason)
		_, err := Read(w.Context(), a.Manager, "/", MaxBytes(0))
		require.ErrorContains(w, err, "the option MaxBytes(0) is too small")
	})
}

// A hundred contenders with a megabyte each cost a few answers, and are found.
func TestFault50_MemoryOfAReport(t *testing.T) {
	testworld.Sequential(t)
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		for i := range 150 {
			path := fmt.Sprintf("/l/_c_%032x-lock-%010d", i, i)
			size := 10
			if i >= 50 {
				size = 1<<20 - 1000
			}
			put(w, a, path, strings.Repeat("x", size))
			w.Put(fmt.Sprintf("/k/%03d", i), strings.Repeat("x", size))
		}
		r := report(w, a, "/")
		l := at[*Lock](w, r, "/l")
		require.Len(w, l.Waiters, 149)
		require.Equal(w, 100, r.LeftOut.Znodes)
		require.Equal(w, int64(100*(1<<20-1000)), r.LeftOut.Bytes)
		held := testworld.Held(func() { r = nil })
		require.Less(w, held, 1<<20)
	})
}
