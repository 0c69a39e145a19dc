package lock_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

var errWork = errors.New("the work failed")

func TestTwoValuesOfOneManagerExcludeEachOther(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		h := p.lock()
		_, err := p.mutex().TryLock(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		q := p.queue()
		require.True(t, q.Waiting())
		require.NoError(t, h.Release())
		require.Greater(t, q.Get().Token(), h.Token())
	})
}

func TestFirstComeFirstServed(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		held := a.lock()
		line := []*waiter{b.queue(), a.queue(), b.queue(), w.process().queue(), a.queue()}
		token := held.Token()
		for i, q := range line {
			require.NoError(t, held.Release())
			for _, other := range line[i+1:] {
				require.True(t, other.Waiting())
			}
			held = q.Get()
			require.Greater(t, held.Token(), token)
			token = held.Token()
		}
	})
}

// HardCase47: no goroutine has an identity that would let it in twice, and any
// may release.
func TestHardCase47_NotReentrant(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		m := p.mutex()
		h, err := m.Lock(t.Context())
		require.NoError(t, err)
		_, err = m.TryLock(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = m.Lock(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, h.Err(), "the first is held as before")
		done := make(chan error)
		go func() { done <- h.Release() }()
		require.NoError(t, <-done)
		require.NoError(t, p.lock().Release())
	})
}

func TestDoneContextBeatsFreeLock(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		ctx := testworld.Cancelled()
		why := errors.New("shutting down")
		caused, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		counts := w.Count(func() {
			_, err := p.mutex().Lock(ctx)
			require.ErrorIs(t, err, context.Canceled)
			_, err = p.mutex().TryLock(ctx)
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, lock.ErrHeld)
			err = p.mutex().Do(ctx, func(context.Context, *lock.Hold) error { panic("it must not run") })
			require.ErrorIs(t, err, context.Canceled)
			_, err = p.mutex().Lock(caused)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, why)
			require.ErrorContains(t, err, dir)
			_, err = p.mutex().Holders(ctx)
			require.ErrorIs(t, err, context.Canceled)
		})
		require.Empty(t, counts, "nothing is sent")
	})
}

// The answer to the create comes at the moment at which the context ends.
func TestContextEndsAsTheLockIsWon(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		held := w.process().lock()
		q := p.queue()
		// Both in one instant of virtual time, in either order.
		go func() { _ = held.Release() }()
		hold, err := q.GiveUp()
		synctest.Wait()
		if err == nil {
			require.NoError(t, hold.Release())
		} else {
			require.ErrorIs(t, err, context.Canceled)
		}
		require.Empty(t, w.nodes())
	})
}

func TestInvalidPaths(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		for path, reason := range map[string]string{
			"":                "empty",
			"/":               "root",
			"locks":           "relative",
			"/locks/":         "ends with /",
			"/locks//a":       "empty segment",
			"/locks/./a":      `relative segment "."`,
			"/locks/../a":     `relative segment ".."`,
			"/locks/\x00":     "U+0000",
			"/locks/\ue000":   "U+E000",
			"/locks/\xff":     "UTF-8",
			"/zookeeper":      "reserved",
			"/zookeeper/lock": "reserved",
		} {
			m := lock.NewMutex(p.Manager, path)
			counts := w.Count(func() {
				_, err := m.Lock(t.Context())
				require.ErrorContains(t, err, reason)
				_, err = m.TryLock(t.Context())
				require.ErrorContains(t, err, reason)
				err = m.Do(t.Context(), func(context.Context, *lock.Hold) error { panic("it must not run") })
				require.ErrorContains(t, err, reason)
				_, err = m.Holders(t.Context())
				require.ErrorContains(t, err, reason)
				_, err = m.Waiters(t.Context())
				require.ErrorContains(t, err, reason)
			})
			require.Empty(t, counts, "nothing is sent")
		}
	})
}

func TestUseAfterClose(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		h := p.lock()
		q := p.queue()
		require.NoError(t, p.Close())
		require.ErrorIs(t, testworld.ErrOf(q.Result()), session.ErrClosed)
		require.ErrorIs(t, h.Err(), session.ErrClosed)
		require.ErrorIs(t, h.Release(), session.ErrLost)
		_, err := p.mutex().Lock(t.Context())
		require.ErrorIs(t, err, session.ErrClosed)
		_, err = p.mutex().TryLock(t.Context())
		require.ErrorIs(t, err, session.ErrClosed)
		_, err = p.mutex().Holders(t.Context())
		require.ErrorIs(t, err, session.ErrClosed)
		require.ErrorContains(t, err, dir)
		require.Empty(t, w.nodes())
	})
}

func TestHardCase51_Release(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		h := p.lock()
		synctest.Wait()
		counts := w.Count(func() {
			var work sync.WaitGroup
			for range 20 {
				work.Go(func() {
					if err := h.Release(); err != nil {
						t.Error(err)
					}
				})
			}
			work.Wait()
		})
		require.Equal(t, map[string]int{"delete": 1}, counts)
		require.ErrorIs(t, h.Err(), session.ErrReleased)
		require.NotErrorIs(t, h.Err(), session.ErrLost)

		// A late Release, while another contender holds, must not touch the
		// other's znode.
		other := w.process().lock()
		require.NoError(t, h.Release())
		require.NoError(t, other.Err())
		require.NoError(t, other.Release())

		// After a loss, it says so, every time, and removes nothing of
		// another's.
		h = p.lock()
		w.Srv.Expire(p.Current().ID())
		<-h.Done()
		other = w.process().lock()
		for range 2 {
			require.ErrorIs(t, h.Release(), session.ErrLost)
		}
		require.NoError(t, other.Err())
		require.Len(t, w.nodes(), 1)
	})
}

// HardCase50: the release of one hold and the next Lock on the same value do
// not get into each other's way.
func TestHardCase50_ReleaseRacesWithAcquire(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m := w.process().mutex()
		var held, turns int
		var work sync.WaitGroup
		for range 20 {
			work.Go(func() {
				for range 10 {
					h, err := m.Lock(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					held++ // the race detector watches these two
					turns++
					if held != 1 {
						t.Errorf("%d hold", held)
					}
					held--
					if err := h.Release(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		work.Wait()
		require.Equal(t, 200, turns)
		synctest.Wait()
		require.Empty(t, w.nodes())
		// A queue that one client had to itself twice in a row keeps a watch on
		// its directory. Whether that happened depends on which contender comes
		// first.
		require.Equal(t, w.Srv.WatchesOf(dir), w.Srv.Watches())
	})
}

func TestHoldersAndWaiters(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		m := p.mutex()
		holders, err := m.Holders(t.Context())
		require.NoError(t, err)
		require.Empty(t, holders, "there is no directory")

		h, err := p.mutex(lock.ID("host-7")).Lock(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Minute)
		for range 30 {
			w.process().queue()
		}
		holders, err = m.Holders(t.Context())
		require.NoError(t, err)
		require.Len(t, holders, 1)
		require.Equal(t, "host-7", holders[0].ID)
		require.Equal(t, h.Path(), holders[0].Path)
		require.Equal(t, h.SessionID(), holders[0].Session)
		require.LessOrEqual(t, holders[0].Token, h.Token())
		require.Equal(t, time.Minute, time.Since(holders[0].Since).Round(time.Second))
		require.NotEmpty(t, holders[0].Host)
		require.NotZero(t, holders[0].PID)

		waiters, err := m.Waiters(t.Context())
		require.NoError(t, err)
		require.Len(t, waiters, 30)
		for i, name := range w.nodes()[1:] {
			require.True(t, strings.HasSuffix(waiters[i].Path, name), "in order")
			require.NotEmpty(t, waiters[i].ID, "host and process id")
		}
	})
}
