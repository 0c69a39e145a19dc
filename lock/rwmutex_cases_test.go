package lock_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A reader waits for the writers before it, and never for one after it.
func TestHardCase45_ReaderIgnoresLaterWriters(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		first := writing(w, p).Get()
		second := writing(w, q)
		r := reading(w, p)
		third := writing(w, q)
		waiting(w, true, second, r, third)
		require.NoError(t, first.Release())
		waiting(w, true, r, third)
		require.NoError(t, second.Get().Release())
		waiting(w, false, r)
		waiting(w, true, third)
		// The same, if the later writer exists already when the reader first
		// lists.
		require.NoError(t, r.Get().Release())
		require.NoError(t, third.Get().Release())
		later := 0
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetChildren2 && later == 0 {
				later++
				w.Put(dir+"/x-__WRIT__0000000900", "")
			}
			return zktest.Pass
		})
		late := reading(w, p)
		waiting(w, false, late)
		remove()
		require.Equal(t, 1, later)
		own, found := w.Srv.Node(late.Get().Path())
		require.True(t, found)
		require.Equal(t, own.Stat.Czxid, late.Get().Token(), "less than what the later one can have")
	})
}

// Counts which release wakes which contenders.
func TestHardCase66_RWWakesNoMoreThanItMust(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const n = 20
		p := w.Process()
		first := writing(w, p).Get()
		var readers, behind []*testworld.Call[*lock.Hold]
		for range n {
			readers = append(readers, reading(w, w.Process()))
		}
		second := writing(w, w.Process())
		for range n {
			behind = append(behind, reading(w, w.Process()))
		}
		time.Sleep(time.Second) // holds are watched by now
		require.Equal(t, 1+n, w.Srv.WatchesOf(first.Path()), "its own, and that of each reader directly behind")

		counts := w.Count(func() { require.NoError(t, first.Release()) })
		require.Equal(t, map[string]int{"delete": 1}, counts, "the readers hold without a read, and no other contender is woken")
		for _, r := range readers {
			waiting(w, false, r)
		}
		waiting(w, true, second)

		// The release of a reader wakes no contender, unless it is the last
		// reader but one before the writer. That one has the writer look for
		// the reader that is left.
		for _, r := range readers[:n/2] {
			counts = w.Count(func() { require.NoError(t, r.Get().Release()) })
			require.Equal(t, map[string]int{"delete": 1}, counts)
		}
		counts = w.Count(func() { require.NoError(t, readers[n-2].Get().Release()) })
		require.Equal(t, map[string]int{"delete": 1, "getChildren2": 1, "getData": 2}, counts,
			"the list, the last reader, and the one that is the last but one now")
		counts = w.Count(func() { require.NoError(t, readers[n-1].Get().Release()) })
		require.Equal(t, map[string]int{"delete": 1}, counts)
		for _, r := range readers[n/2 : n-3] {
			waiting(w, true, second)
			require.NoError(t, r.Get().Release())
		}
		waiting(w, true, second)
		require.NoError(t, readers[n-3].Get().Release())
		waiting(w, false, second)
		for _, r := range behind {
			waiting(w, true, r)
		}
		counts = w.Count(func() { require.NoError(t, second.Get().Release()) })
		require.Zero(t, counts["getData"], "they hold, and watch no contender")
		for _, r := range behind {
			require.NoError(t, r.Get().Release())
		}
		synctest.Wait()
		require.Zero(t, w.Srv.Watches())
	})
}

// Our own node goes while we wait: the attempt starts again at the end.
func TestHardCase43_RWOwnNodeGone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h := writing(w, p).Get()
		r, x := reading(w, w.Process()), writing(w, w.Process())
		before := w.Children(dir)
		require.Len(t, before, 3)
		for _, name := range before {
			if !strings.HasSuffix(h.Path(), name) {
				w.Remove(dir + "/" + name)
			}
		}
		waiting(w, true, r, x)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, w.Children(dir), 3)
		require.NoError(t, h.Release())
		// In whatever order they have queued again, both come in.
		if r.Waiting() {
			require.NoError(t, x.Get().Release())
			require.NoError(t, r.Get().Release())
		} else {
			require.NoError(t, r.Get().Release())
			require.NoError(t, x.Get().Release())
		}
	})
}

func TestHardCase44_RWForeignChildren(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		strangers := []string{
			"_c_00000000-0000-4000-8000-000000000000-lock-0000000000", "0123__lock__0000000000", "0123__rlock__0000000000",
			"__READ__", "__WRIT__", "_c_x-__WRIT__000000000", "__WRIT__0000000000x", "__WRIT__99999999999", "config", "größe",
		}
		for _, name := range strangers {
			w.Put(dir+"/"+name, "\x00\xff")
		}
		p := w.Process()
		r := reading(w, p).Get()
		x := writing(w, p)
		waiting(w, true, x)
		holders, err := rw(p).Holders(w.Context())
		require.NoError(t, err)
		require.Len(t, holders, 1)
		require.NoError(t, r.Release())
		require.NoError(t, x.Get().Release())
		require.Len(t, w.Children(dir), len(strangers), "nothing of theirs was touched")
	})
}

// An upgrade is not possible: Lock during our own read hold waits for that
// hold, and says so.
func TestHardCase47_RWNotReentrant(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		m := rw(p)
		r, err := m.RLock(w.Context())
		require.NoError(t, err)
		_, err = m.TryLock(w.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		_, err = m.Lock(w.Within(time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, r.Path())
		require.NoError(t, r.Err())
		require.NoError(t, r.Release())

		x, err := m.Lock(w.Context())
		require.NoError(t, err)
		_, err = m.RLock(w.Within(time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded, "Downgrade is the way down")
		require.NoError(t, x.Release())
	})
}

func TestHardCase50_RWReleaseRacesWithAcquire(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		m := rw(w.Process())
		var written, turns int // the race detector watches these
		calls := make([]*testworld.Call[int], 20)
		for i := range calls {
			calls[i] = testworld.Go(w, func(ctx context.Context) (int, error) {
				for j := range 10 {
					if (i+j)%3 == 0 {
						if err := m.Do(ctx, func(context.Context, *lock.WriteHold) error {
							written++
							turns++
							return nil
						}); err != nil {
							return 0, err
						}
					} else if err := m.RDo(ctx, func(context.Context, *lock.Hold) error {
						if written != turns {
							return fmt.Errorf("%d and %d: a writer is inside", written, turns)
						}
						return nil
					}); err != nil {
						return 0, err
					}
				}
				return 0, nil
			})
		}
		for _, c := range calls {
			c.Get()
		}
		require.Equal(t, turns, written)
		synctest.Wait()
		require.Empty(t, w.Children(dir))
		require.Zero(t, w.Srv.Watches())
	})
}

func TestHardCase51_RWRelease(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		r, x := reading(w, p).Get(), writing(w, p)
		for range 2 {
			require.NoError(t, r.Release())
		}
		h := x.Get()
		require.NoError(t, r.Release(), "late: it touches nothing of the writer's")
		require.NoError(t, h.Err())
		p.Expire()
		<-h.Done()
		other := reading(w, w.Process()).Get()
		for range 2 {
			require.ErrorIs(t, h.Release(), session.ErrLost)
		}
		require.NoError(t, other.Err())
		require.Len(t, w.Children(dir), 1)
	})
}

func TestHardCase68_RWOldServersWithoutContainers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(t, reading(w, p).Get().Release())
		down, err := writing(w, p).Get().Downgrade(w.Context())
		require.NoError(t, err)
		require.NoError(t, down.Release())
	}, zktest.NoContainers())
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(t, reading(w, p).Get().Release())
		time.Sleep(3 * time.Minute)
		require.Empty(t, w.Srv.Paths(), "the server has reaped the directory, and the one above it")
	})
}
