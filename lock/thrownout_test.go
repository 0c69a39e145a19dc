package lock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// Another client deletes the znode of a waiter, at whatever moment, with
// whatever number before it. The waiter queues again, at the end, and never
// holds at the same time as another.
func TestWaitersNodeDeleted(t *testing.T) {
	for _, before := range []int{1, 2, 3} {
		for _, after := range []time.Duration{0, 100 * time.Millisecond, time.Minute} {
			inWorld(t, func(t *testing.T, w *world) {
				h := w.process().lock()
				var others []*waiter
				for range before - 1 {
					others = append(others, w.process().queue())
				}
				thrown := w.process().queue()
				mine := w.nodes()[before]
				time.Sleep(after)
				require.NoError(t, w.Srv.Remove(dir+"/"+mine))
				last := w.process().queue()
				for _, next := range others {
					require.NoError(t, h.Release())
					h = next.Get()
				}
				require.NoError(t, h.Release())
				// Which of the two is first depends on when it noticed.
				first, second := last, thrown
				if !thrown.Waiting() {
					first, second = thrown, last
				}
				h = first.Get()
				require.True(t, second.Waiting())
				require.NoError(t, h.Release())
				second.Get()
				require.NotEqual(t, dir+"/"+mine, thrown.Get().Path())
			})
		}
	}
}

// The same before its own node is watched, while the one before it goes: the
// end of that one is not enough.
func TestWaitersNodeDeletedBeforeItIsWatched(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h := w.process().lock()
		p := w.process()
		id := p.Current().ID()
		seen := make(chan struct{})
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetData && r.Session == id && r.Path != h.Path() {
				return zktest.Hold(seen)
			}
			return zktest.Pass
		})
		thrown := p.queue()
		require.NoError(t, w.Srv.Remove(dir+"/"+w.nodes()[1]))
		next := w.process().queue()
		require.NoError(t, h.Release())
		other := next.Get()
		require.True(t, thrown.Waiting())
		remove()
		close(seen)
		require.True(t, thrown.Waiting())
		require.NoError(t, other.Release())
		thrown.Get()
	})
}
