package lock_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/zktest"
)

func rw(p *testworld.Process) *lock.RWMutex { return lock.NewRWMutex(p.Manager, dir) }

// reading and writing start an acquisition and return when it holds or waits.

func reading(w *testworld.World, p *testworld.Process) *testworld.Call[*lock.Hold] {
	return testworld.Go(w, rw(p).RLock)
}

func writing(w *testworld.World, p *testworld.Process) *testworld.Call[*lock.WriteHold] {
	return testworld.Go(w, rw(p).Lock)
}

// waiting demands that either all of the calls wait, or all do not.
func waiting(w *testworld.World, want bool, calls ...interface{ Waiting() bool }) {
	w.Helper()
	for i, c := range calls {
		require.Equal(w, want, c.Waiting(), "call %d", i)
	}
}

func TestRWMutex(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		r1, r2 := reading(w, p), reading(w, q)
		w1 := writing(w, q)
		r3, r4 := reading(w, p), reading(w, q)
		w2 := writing(w, p)
		waiting(w, false, r1, r2)
		waiting(w, true, w1, r3, r4, w2)
		_, err := rw(p).TryRLock(w.Context())
		require.ErrorIs(t, err, lock.ErrHeld, "a writer stands in line")

		require.NoError(t, r1.Get().Release())
		waiting(w, true, w1, r3, r4, w2)
		require.NoError(t, r2.Get().Release())
		waiting(w, false, w1)
		waiting(w, true, r3, r4, w2)
		require.NoError(t, w1.Get().Err())

		require.NoError(t, w1.Get().Release())
		waiting(w, false, r3, r4)
		waiting(w, true, w2)
		require.NoError(t, r4.Get().Release())
		waiting(w, true, w2)
		require.NoError(t, r3.Get().Release())
		waiting(w, false, w2)
		require.NoError(t, w2.Get().Release())

		tokens := []int64{r1.Get().Token(), r2.Get().Token(), w1.Get().Token(), r3.Get().Token(), r4.Get().Token(), w2.Get().Token()}
		require.IsIncreasing(t, tokens)
		synctest.Wait()
		require.Empty(t, w.Children(dir))
		require.Zero(t, w.Srv.Watches())
	})
}

func TestRWMutexTry(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		m := rw(p)
		r, err := m.TryRLock(w.Context())
		require.NoError(t, err)
		r2, err := m.TryRLock(w.Context())
		require.NoError(t, err, "readers share")
		require.Greater(t, r2.Token(), r.Token())
		_, err = m.TryLock(w.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		require.ErrorContains(t, err, dir)
		require.NoError(t, r.Release())
		require.NoError(t, r2.Release())

		x, err := m.TryLock(w.Context())
		require.NoError(t, err)
		_, err = m.TryLock(w.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		synctest.Wait()
		counts := w.Count(func() {
			_, err = m.TryRLock(w.Context())
			require.ErrorIs(t, err, lock.ErrHeld)
		})
		require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "getData": 1, "delete": 1}, counts)
		require.NoError(t, x.Release())
	})
}

// A writer that gives up lets the contenders after it go on: the readers after
// it join the holders.
func TestRWMutexWriterGivesUp(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		r1 := reading(w, p).Get()
		w1, r2 := writing(w, q), reading(w, q)
		waiting(w, true, w1, r2)
		_, err := w1.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		waiting(w, false, r2)
		require.Greater(t, r2.Get().Token(), r1.Token())

		// If it is after another writer, the readers go on waiting.
		w2 := writing(w, p)
		w3, r3 := writing(w, q), reading(w, p)
		_, err = w3.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		waiting(w, true, w2, r3)
		require.NoError(t, r1.Release())
		require.NoError(t, r2.Get().Release())
		require.NoError(t, w2.Get().Release())
		require.NoError(t, r3.Get().Release())
	})
}

func TestRWHoldersAndWaiters(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		named := func(id string) *lock.RWMutex { return lock.NewRWMutex(p.Manager, dir, lock.ID(id)) }
		list := func() string {
			holders, err := rw(p).Holders(w.Context())
			require.NoError(t, err)
			waiters, err := rw(p).Waiters(w.Context())
			require.NoError(t, err)
			var b strings.Builder
			for _, c := range holders {
				fmt.Fprintf(&b, "%s:%s ", c.ID, c.Mode)
			}
			b.WriteString("|")
			for _, c := range waiters {
				fmt.Fprintf(&b, " %s:%s", c.ID, c.Mode)
			}
			return b.String()
		}
		require.Equal(t, "|", list())
		a := testworld.Go(w, named("a").RLock).Get()
		b := testworld.Go(w, named("b").RLock).Get()
		c := testworld.Go(w, named("c").Lock)
		d := testworld.Go(w, named("d").RLock)
		require.Equal(t, "a:read b:read | c:write d:read", list())
		require.NoError(t, a.Release())
		require.NoError(t, b.Release())
		require.Equal(t, "c:write | d:read", list())
		down, err := c.Get().Downgrade(w.Context())
		require.NoError(t, err)
		require.Equal(t, "c:read d:read |", list())
		require.NoError(t, down.Release())
		require.NoError(t, d.Get().Release())
	})
}

func TestRWInvalidPath(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		m := lock.NewRWMutex(w.Process().Manager, "/locks/")
		require.Equal(t, "/locks/", m.Path())
		counts := w.Count(func() {
			for _, call := range []func() error{
				func() error { _, err := m.Lock(w.Context()); return err },
				func() error { _, err := m.TryLock(w.Context()); return err },
				func() error { _, err := m.RLock(w.Context()); return err },
				func() error { _, err := m.TryRLock(w.Context()); return err },
				func() error { _, err := m.Holders(w.Context()); return err },
				func() error { _, err := m.Waiters(w.Context()); return err },
				func() error { _, err := m.Revoke(w.Context()); return err },
				func() error { return m.Do(w.Context(), func(context.Context, *lock.WriteHold) error { return nil }) },
				func() error { return m.RDo(w.Context(), func(context.Context, *lock.Hold) error { return nil }) },
			} {
				require.ErrorContains(t, call(), "ends with /")
			}
		})
		require.Empty(t, counts)
	})
}

// Where the numbers wrap, the queue of readers and writers goes on in order.
func TestRWSequenceWraps(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(t, writing(w, p).Get().Release())
		require.NoError(t, w.Srv.SetSequence(dir, 2147483645))
		r1, w1, r2, r3, w2 := reading(w, p), writing(w, p), reading(w, p), reading(w, p), writing(w, p)
		waiting(w, false, r1)
		waiting(w, true, w1, r2, r3, w2)
		require.NoError(t, r1.Get().Release())
		waiting(w, true, r2, r3, w2)
		down, err := w1.Get().Downgrade(w.Context())
		require.NoError(t, err)
		waiting(w, false, r2, r3)
		waiting(w, true, w2)
		require.NoError(t, down.Release())
		require.NoError(t, r2.Get().Release())
		waiting(w, true, w2)
		require.NoError(t, r3.Get().Release())
		require.NoError(t, w2.Get().Release())
	}, zktest.Version(zktest.V35))
}
