package queue_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A claim is lost, and the function returns an error. OnError gets both in one
// call: the release that fails with the same loss is not reported again.
func TestConsumeReportsALossOnce(t *testing.T) {
	for name, result := range map[string]func(context.Context) error{
		"an error of its own":  func(context.Context) error { return errWork },
		"its context's error":  context.Context.Err,
		"its context's reason": context.Cause,
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w world) {
				u := w.user()
				u.put("a")
				var returned error
				var told []error
				c := u.consume(func(ctx context.Context, item *queue.Item) error {
					if item.Attempt > 1 {
						return nil
					}
					u.p.Expire()
					<-ctx.Done()
					returned = result(ctx)
					return returned
				}, queue.OnError(func(_ *queue.Item, err error) { told = append(told, err) }))
				w.Eventually(func() bool { return len(w.Children(path+"/items")) == 0 }, "it is consumed in the next session")
				c.stop()
				<-c.done
				require.Len(w, told, 1)
				require.ErrorIs(w, told[0], returned)
				require.ErrorIs(w, told[0], session.ErrLost)
				require.Equal(w, 1, strings.Count(told[0].Error(), session.ErrExpired.Error()), told[0].Error())
			})
		})
	}
}

// A function that returns the error of Consume's context ended in good order, as
// for election.OnTermEnd and groupmembership.OnPartitionEnd. Its own error is
// reported.
func TestOnError_endOfContext(t *testing.T) {
	for name, c := range map[string]struct {
		result func(context.Context) error
		told   int
	}{
		"its context's error":  {context.Context.Err, 0},
		"its context's reason": {context.Cause, 0},
		"an error of its own":  {func(context.Context) error { return errWork }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w world) {
				u := w.user()
				u.put("a")
				ctx, cancel := context.WithCancelCause(w.Context())
				var told []error
				err := u.Consume(ctx, func(ctx context.Context, _ *queue.Item) error {
					cancel(errors.New("shutting down"))
					<-ctx.Done()
					return c.result(ctx)
				}, queue.OnError(func(_ *queue.Item, err error) { told = append(told, err) }))
				require.ErrorIs(w, err, context.Canceled)
				require.Len(w, told, c.told)
				require.Len(w, w.Children(path+"/items"), 1, "the item comes again")
				require.Empty(w, w.Children(path+"/claims"))
			})
		})
	}
}

// A release that the server rejects is an error of its own.
func TestConsumeReportsARejectedRelease(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		var told []error
		ctx, end := context.WithCancel(w.Context())
		defer end()
		c := make(chan error, 1)
		remove := func() {}
		go func() {
			c <- u.Consume(ctx, func(context.Context, *queue.Item) error {
				remove = w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Op == zktest.OpMulti {
						return zktest.Fail(zktest.CodeNoAuth)
					}
					return zktest.Pass
				})
				return errWork
			}, queue.OnError(func(_ *queue.Item, err error) {
				if told = append(told, err); len(told) == 2 {
					end()
				}
			}))
		}()
		require.ErrorIs(w, <-c, context.Canceled)
		remove()
		require.ErrorIs(w, told[0], errWork)
		require.NotErrorIs(w, told[0], session.ErrNoAuth)
		require.ErrorIs(w, told[1], session.ErrNoAuth)
	})
}
