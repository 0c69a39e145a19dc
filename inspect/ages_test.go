package inspect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
)

// A holder that waited in line has held for less time than its znode exists. No
// znode tells for how long, so no age of the hold is told.
func TestFault32_TimeInLineIsNotTimeHeld(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		first := held(w, a, "/m", "a")
		time.Sleep(time.Minute)
		queued := time.Now()
		call := lockWaiting(w, b, "/m", "b")
		time.Sleep(10 * time.Minute)
		l := at[*Lock](w, report(w, a, "/"), "/m")
		require.Zero(t, l.Holder.HoldingSince, "the holder may have waited")
		require.Zero(t, l.Waiters[0].HoldingSince, "it does not hold")
		require.NoError(t, first.Release())
		call.Get()
		l = at[*Lock](w, report(w, a, "/"), "/m")
		require.Equal(t, queued.Truncate(time.Millisecond), l.Holder.Since.In(queued.Location()))
		require.Zero(t, l.Holder.HoldingSince)
	})
}

// Where a znode is created by the hold itself, its age is the hold's, also when
// the session is another one by then.
func TestFault32_HoldsWithoutAQueue(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		time.Sleep(time.Hour)
		one := lock.NewOneNode(a.Manager, "/d/one", lock.ID("a"))
		_, err := one.Lock(w.Context())
		require.NoError(t, err)
		waiting := testworld.Go(w, lock.NewOneNode(b.Manager, "/d/one", lock.ID("b")).Lock)
		require.True(t, waiting.Waiting())
		time.Sleep(time.Hour)
		a.Expire() // b takes the lock, with a new znode
		waiting.Get()
		taken := time.Now()
		time.Sleep(time.Hour)
		f := at[*OneNode](w, report(w, b, "/"), "/d/one")
		require.Equal(t, taken.Truncate(time.Millisecond), f.Holder.HoldingSince.In(taken.Location()))
		require.Equal(t, "b", f.Holder.ID)
	})
}
