package inspect

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
)

// confirming is a search under way that has looked once.
func confirming(w *testworld.World, p *testworld.Process) *testworld.Call[*DeadlockReport] {
	w.Helper()
	call := testworld.Go(w, func(ctx context.Context) (*DeadlockReport, error) {
		return Deadlocks(ctx, p.Manager, "/", Confirm(time.Minute))
	})
	require.True(w, call.Waiting(), "it has found nothing to confirm")
	return call
}

// The holders of permits that are wanted in a cycle wait elsewhere: the second
// look goes there, too.
func TestDeadlocks_permitsOfOthers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, c := w.Process(), w.Process(), w.Process()
		permit(w, a, "/s", "a", 2).Get()
		permit(w, b, "/s", "b", 2).Get()
		held(w, c, "/m", "c")
		held(w, c, "/n", "c")
		require.True(t, permit(w, c, "/s", "c", 2).Waiting())
		lockWaiting(w, a, "/m", "a")
		call := lockWaiting(w, b, "/n", "b")
		require.Len(t, deadlocks(w, c), 2)

		look := confirming(w, c)
		_, err := call.GiveUp() // b could give its permit back now
		require.Error(t, err)
		lockWaiting(w, b, "/n", "b")
		require.Empty(t, look.Get().Deadlocks, "b has waited twice, not all the while")
		require.Len(t, deadlocks(w, c, Confirm(time.Minute)), 2)
	})
}

// A permit that passes from one holder to the next is free in between. A
// semaphore that is read at such moments twice looks as if it had one permit
// less.
func TestDeadlocks_permitsThatMove(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, x, y := w.Process(), w.Process(), w.Process(), w.Process()
		place := func(p *testworld.Process, i int) (path string) {
			path = fmt.Sprintf("/s/locks/%s", curatorName(i, "lock-", i))
			put(w, p, path, "")
			return path
		}
		lease := func(p *testworld.Process, i int, data string) (path string) {
			path = fmt.Sprintf("/s/leases/%s", curatorName(i, "lease-", i))
			put(w, p, path, data)
			return path
		}
		pending := func(i int) string { return fmt.Sprintf(`{"id":"%d","place":%q}`, i, curatorName(i, "lock-", i)) }
		lease(a, 0, `{"id":"a"}`)
		held(w, b, "/m", "b")
		lockWaiting(w, a, "/m", "a")
		first := place(x, 1)
		place(y, 2)
		place(b, 3)
		short := lease(x, 1, pending(1))

		look := confirming(w, b)
		w.Remove(first) // x has its permit, and gives it back
		w.Remove(short)
		lease(y, 2, pending(2))
		require.Empty(t, look.Get().Deadlocks, "there was a permit for x, and there is one for y")
		require.Len(t, deadlocks(w, b, Confirm(time.Minute)), 1, "the nodes do not say that there is one more")
	})
}
