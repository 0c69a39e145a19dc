package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/zktest"
)

// A Consume that ends leaves no watch, whatever watches the queue had when it
// began: one-shot watches of a TryTake, or of servers without persistent ones.
func TestConsumeLeavesNoWatch(t *testing.T) {
	old := zktest.Version(zktest.V35)
	for name, c := range map[string]struct {
		opts   []zktest.Option
		before func(u *user)
	}{
		"persistent watches":       {before: func(*user) {}},
		"after an empty TryTake":   {before: func(u *user) { u.empty() }},
		"after a TryTake":          {before: func(u *user) { u.put("a"); u.drain() }},
		"on an old server":         {[]zktest.Option{old}, func(*user) {}},
		"another consumer's claim": {[]zktest.Option{old}, func(u *user) { u.put("a"); u.w.user().take(); u.empty() }},
		"items are left": {[]zktest.Option{old}, func(u *user) {
			u.putMany(50)
			require.NoError(u.w, u.take().Release())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w world) {
				u := w.user()
				c.before(u)
				ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
				defer cancel()
				err := u.Consume(ctx, func(ctx context.Context, item *queue.Item) error {
					<-ctx.Done()
					return item.Release()
				})
				require.ErrorIs(w, err, context.DeadlineExceeded)
				time.Sleep(time.Minute)
				require.Zero(w, w.Srv.SessionWatches(u.p.Current().ID()))
			}, c.opts...)
		})
	}
}

// A Take that waits while a Consume of its process ends gets the next item.
func TestTakeWaitsThroughTheEndOfAConsume(t *testing.T) {
	for _, release := range []zktest.Release{zktest.V35, zktest.V38, zktest.V39} {
		run(t, func(w world) {
			u, producer := w.user(), w.user()
			ctx, cancel := context.WithCancel(w.Context())
			ended := make(chan error)
			go func() {
				ended <- u.Consume(ctx, func(context.Context, *queue.Item) error { return errors.New("not this one") })
			}()
			take := u.taking()
			require.True(w, take.Waiting())
			cancel()
			require.ErrorIs(w, <-ended, context.Canceled)
			require.True(w, take.Waiting())
			producer.put("a")
			require.Equal(w, "a", string(take.Get().Data))
		}, zktest.Version(release))
	}
}
