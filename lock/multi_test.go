package lock_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// all returns the mutexes at paths in one Multi.
func all(p *testworld.Process, paths ...string) *lock.Multi {
	locks := make([]lock.Locker, len(paths))
	for i, path := range paths {
		locks[i] = lock.NewMutex(p.Manager, path)
	}
	return lock.NewMulti(locks...)
}

func TestMulti(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		rw := lock.NewRWMutex(p.Manager, "/c")
		m := lock.NewMulti(lock.NewMutex(p.Manager, "/b"), rw.RLocker(), lock.NewMutex(p.Manager, "/a", lock.Handoff(3)))
		h, err := m.Lock(w.Context())
		require.NoError(t, err)
		for _, path := range []string{"/a", "/b", "/c"} {
			require.Len(t, w.Children(path), 1)
			require.Positive(t, h.Tokens()[path])
		}
		require.Len(t, h.Tokens(), 3)
		require.Len(t, h.Guards(), 3)
		require.False(t, h.Deadline().IsZero())
		reader, err := rw.TryRLock(w.Context())
		require.NoError(t, err, "readers share")
		require.NoError(t, reader.Release())
		other := testworld.Go(w, all(q, "/b").Lock)
		require.True(t, other.Waiting())
		_, err = all(q, "/0", "/b").TryLock(w.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		require.ErrorContains(t, err, "try lock [/0 /b]")
		require.Empty(t, w.Children("/0"), "what it had is given back")
		_, err = p.Txn(w.Context(), h.Guards()...)
		require.NoError(t, err)
		guards := h.Guards()
		for range 2 {
			require.NoError(t, h.Release())
		}
		require.ErrorIs(t, h.Err(), session.ErrReleased)
		_, err = p.Txn(w.Context(), guards...)
		require.ErrorIs(t, err, session.ErrLost)
		require.NoError(t, other.Get().Release())

		writer, err := lock.NewMulti(rw.WLocker()).TryLock(w.Context())
		require.NoError(t, err)
		_, err = rw.TryRLock(w.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		require.NoError(t, writer.Release())
	})
}

// The hold ends when any of its parts does, and then gives back the others.
func TestMultiPartLost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for _, path := range []string{"/a", "/b", "/c"} {
			h, err := all(p, "/c", "/a", "/b").Lock(w.Context())
			require.NoError(t, err)
			time.Sleep(time.Second) // holds are watched by now
			w.Remove(path + "/" + w.Children(path)[0])
			synctest.Wait()
			require.ErrorIs(t, h.Err(), session.ErrDeleted)
			require.ErrorIs(t, h.Release(), session.ErrLost)
			for _, path := range []string{"/a", "/b", "/c"} {
				require.Empty(t, w.Children(path))
			}
		}
		broken := errors.New("broken")
		err := all(p, "/a", "/b").Do(w.Context(), func(ctx context.Context, h *lock.MultiHold) error {
			p.Expire()
			<-ctx.Done()
			require.ErrorIs(t, context.Cause(ctx), session.ErrLost)
			return broken
		})
		require.ErrorIs(t, err, broken)
		require.ErrorIs(t, err, session.ErrLost)
		require.NoError(t, all(p, "/a", "/b").Do(w.Context(), func(context.Context, *lock.MultiHold) error { return nil }))
	})
}

func TestMultiRefusals(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		rw := lock.NewRWMutex(p.Manager, "/c")
		require.Empty(t, w.Count(func() {
			for words, m := range map[string]*lock.Multi{
				"/a is named twice": all(p, "/a", "/b", "/a"),
				"/c is named twice": lock.NewMulti(rw.RLocker(), rw.WLocker()),
				"at least one lock": lock.NewMulti(),
				"it is relative":    all(p, "relative"),
				"context canceled":  nil,
			} {
				ctx := w.Context()
				if m == nil {
					m, ctx = all(p, "/a", "/b"), testworld.Cancelled()
				}
				_, err := m.Lock(ctx)
				require.ErrorContains(t, err, words)
				_, err = m.TryLock(ctx)
				require.ErrorContains(t, err, words)
			}
		}), "nothing is made")
	})
}

// Case 38: one deadline for all of the locks together, however many wakes and
// turns there are.
func TestHardCase38_MultiOneDeadline(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		var held []*lock.Hold
		for _, path := range []string{"/a", "/b", "/c"} {
			held = append(held, lockNow(w, lock.NewMutex(q.Manager, path)))
		}
		start := time.Now()
		for i, h := range held { // each goes after a while; the last one too late
			time.AfterFunc(time.Duration(i+1)*2*time.Second, func() {
				if err := h.Release(); err != nil {
					t.Error(err)
				}
			})
		}
		h, err := all(p, "/c", "/b", "/a").Lock(w.Within(5 * time.Second))
		require.Nil(t, h)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(start))
		w.Eventually(func() bool {
			return len(w.Children("/a"))+len(w.Children("/b"))+len(w.Children("/c")) == 0
		}, "what it had is given back")
	})
}

// One lock is refused: what was acquired before is released, the last first,
// before the call returns.
func TestMultiGivesBackInReverse(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		defer w.Fail(zktest.OpCreateContainer, "/d", zktest.CodeNoAuth)()
		_, err := all(p, "/d", "/c", "/b", "/a").Lock(w.Context())
		require.ErrorIs(t, err, session.ErrNoAuth)
		var gone []string
		for _, c := range w.Changes() {
			if c.Kind == zktest.Deleted {
				gone = append(gone, c.Path[:2])
			}
		}
		require.Equal(t, []string{"/c", "/b", "/a"}, gone)
	})
}

// A part is lost while the next one is waited for: it begins again, and never
// has one without the others.
func TestMultiPartLostWhileWaiting(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		other := lockNow(w, lock.NewMutex(q.Manager, "/b"))
		waiter := testworld.Go(w, all(p, "/a", "/b").Lock)
		require.True(t, waiter.Waiting())
		w.Remove("/a/" + w.Children("/a")[0])
		w.Eventually(func() bool { return len(w.Children("/a")) == 1 }, "it has the first again")
		p.Expire()
		w.Eventually(func() bool { return len(w.Children("/a")) == 1 && len(w.Children("/b")) == 2 }, "and again")
		require.True(t, waiter.Waiting())
		require.NoError(t, other.Release())
		h := waiter.Get()
		require.NoError(t, h.Err())
		require.NoError(t, h.Release())
	})
}

// Multis over the same locks in any order never wait for each other for ever.
func TestMultiNoDeadlock(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		paths := []string{"/a", "/b", "/c", "/d"}
		r := rand.New(rand.NewPCG(7, 7))
		inside := make(map[string]int)
		var mu sync.Mutex
		var work sync.WaitGroup
		for range 6 {
			p := w.Process()
			var orders [][]string
			for range 20 {
				mine := append([]string(nil), paths...)
				r.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
				orders = append(orders, mine[:2+r.IntN(3)])
			}
			work.Go(func() {
				for _, mine := range orders {
					err := all(p, mine...).Do(w.Within(testworld.Patience), func(context.Context, *lock.MultiHold) error {
						mu.Lock()
						for _, path := range mine {
							if inside[path]++; inside[path] > 1 {
								t.Errorf("two in %s", path)
							}
						}
						mu.Unlock()
						time.Sleep(time.Second)
						mu.Lock()
						for _, path := range mine {
							inside[path]--
						}
						mu.Unlock()
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		work.Wait()
	})
}
