package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// limiter bounds the rate of calls, together with the limiters of other
// processes.
type limiter struct {
	permits *lock.Semaphore
	per     time.Duration
	kept    sync.WaitGroup // permits of calls that have ended
}

func newLimiter(sm *session.Manager, limit int, per time.Duration) *limiter {
	shared := lock.SharedLimit("/ratelimit/limit", limit)
	return &limiter{permits: lock.NewSemaphore(sm, "/ratelimit/permits", shared), per: per}
}

// do waits for a permit and makes the call. The context of the call ends with
// ctx, and when its permit is lost. The permit is released in the background,
// once it has been held for as long as the rate demands.
func (l *limiter) do(ctx context.Context, call func(context.Context) error) error {
	permit, err := l.permits.Acquire(ctx, 1)
	if err != nil {
		return err
	}
	over := time.After(l.per)
	defer l.kept.Go(func() {
		<-over
		if err := permit.Release(); err != nil {
			slog.Warn("a permit was lost", "error", err)
		}
	})
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(permit.Context(), func() { cancel(permit.Err()) })()
	return call(ctx)
}

// wait returns when all permits have been released. Closing the session before
// would release them too early.
func (l *limiter) wait() { l.kept.Wait() }
