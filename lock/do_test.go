package lock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

type key struct{}

func TestDo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		m := p.mutex()
		var inner context.Context
		ctx := context.WithValue(t.Context(), key{}, "value")
		require.NoError(t, m.Do(ctx, func(ctx context.Context, h *lock.Hold) error {
			inner = ctx
			require.Equal(t, "value", ctx.Value(key{}))
			require.NoError(t, ctx.Err())
			require.NoError(t, h.Err())
			require.Len(t, w.nodes(), 1)
			return nil
		}))
		require.Empty(t, w.nodes())
		require.Error(t, inner.Err())
		require.Equal(t, errWork, m.Do(ctx, func(context.Context, *lock.Hold) error { return errWork }),
			"the very error, where there is no other")
	})
}

func TestDoReleasesAfterPanic(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m := w.process().mutex()
		require.PanicsWithValue(t, "ouch", func() {
			_ = m.Do(t.Context(), func(context.Context, *lock.Hold) error { panic("ouch") })
		})
		require.Empty(t, w.nodes())
	})
}

// The lock is not given away before f has returned, however late that is.
func TestDoReleasesAfterReturn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Second)
			cancel()
		}()
		var q *waiter
		err := a.mutex().Do(ctx, func(ctx context.Context, h *lock.Hold) error {
			q = b.queue()
			<-ctx.Done()
			require.NoError(t, h.Err(), "the caller's context has ended, not the hold")
			time.Sleep(time.Hour) // does not listen
			require.True(t, q.Waiting())
			return ctx.Err()
		})
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, session.ErrLost)
		q.Get()
	})
}

func TestDoReportsLoss(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		for _, result := range []error{nil, errWork} {
			err := p.mutex().Do(t.Context(), func(ctx context.Context, h *lock.Hold) error {
				w.Srv.Expire(int64(h.SessionID()))
				<-ctx.Done()
				require.ErrorIs(t, context.Cause(ctx), session.ErrLost)
				return result
			})
			require.ErrorIs(t, err, session.ErrLost)
			require.ErrorContains(t, err, dir)
			if result != nil {
				require.ErrorIs(t, err, result)
			}
		}
	})
}

// A hold that is lost between the return of f and the release has done its
// duty.
func TestDoIgnoresLossAfterReturn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		w.once(zktest.OpDelete, 1, func() zktest.Action {
			p.Link.Cut(zktest.Both)
			return zktest.DropRequest
		})
		require.NoError(t, p.mutex().Do(t.Context(), func(context.Context, *lock.Hold) error { return nil }))
		p.Link.Heal()
		time.Sleep(time.Minute)
		require.Empty(t, w.nodes())
	})
}

func TestDoWhoseFunctionReleases(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		require.NoError(t, w.process().mutex().Do(t.Context(), func(ctx context.Context, h *lock.Hold) error {
			require.NoError(t, h.Release())
			<-ctx.Done()
			require.ErrorIs(t, context.Cause(ctx), session.ErrReleased)
			return nil
		}))
	})
}

// HardCase55: a blocked holder does not block other users of the same session.
func TestHardCase55_BlockedHolder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		release := make(chan struct{})
		done := make(chan error)
		go func() {
			done <- p.mutex().Do(t.Context(), func(context.Context, *lock.Hold) error {
				<-release
				return nil
			})
		}()
		synctest.Wait()
		other := lock.NewMutex(p.Manager, "/locks/b")
		for range 3 {
			h, err := other.Lock(t.Context())
			require.NoError(t, err)
			time.Sleep(time.Hour)
			require.NoError(t, h.Release())
		}
		close(release)
		require.NoError(t, <-done)
	})
}
