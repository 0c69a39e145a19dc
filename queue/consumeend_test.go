package queue_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/zktest"
)

// Consume ends while claims are under way, and the process closes its session
// at once. The items were not tried, so they do not become dead letters.
func TestConsumeEndsWhileItClaims(t *testing.T) {
	for _, prefetch := range []int{0, 5} {
		run(t, func(w world) {
			u := w.user(queue.MaxAttempts(1))
			u.putMany(10)
			w.Put(path+"/claims", "")
			ctx, cancel := context.WithCancel(w.Context())
			w.Once(on(zktest.OpMulti, path+"/items/queue-0000000000"), func() zktest.Action {
				time.AfterFunc(500*time.Millisecond, cancel)
				return zktest.Delay(time.Second)
			})
			err := u.Consume(ctx, func(context.Context, *queue.Item) error {
				w.Error("an item is delivered after the end")
				return nil
			}, queue.Prefetch(prefetch))
			require.ErrorIs(w, err, context.Canceled)
			require.NoError(w, u.p.Close())
			require.Len(w, w.user(queue.MaxAttempts(1)).drain(), 10)
		})
	}
}

// A callback ends the goroutine that it was called on, as a test's FailNow
// does. Consume returns, and no claim is left over.
func TestConsumeWhoseCallbackEndsItsGoroutine(t *testing.T) {
	end := func() { runtime.Goexit() }
	for name, c := range map[string]struct {
		opts []queue.Option
		f    func(w world, item *queue.Item) error
		bad  func(w world) // makes what the callback is told of
	}{
		"OnError after a failure": {f: func(world, *queue.Item) error { return errWork }},
		"OnError after an acknowledgement": {f: func(w world, item *queue.Item) error {
			w.Remove(path + "/items/queue-" + string(item.ID))
			return nil
		}},
		"OnDead": {
			opts: []queue.Option{queue.OnDead(func(queue.DeadLetter) { end() })},
			bad:  func(w world) { w.Put(path+"/items/queue-0000000100", "malformed") },
		},
		"OnSkipped": {
			opts: []queue.Option{queue.OnSkipped(func(queue.Skipped) { end() })},
			bad:  func(w world) { w.Refuse(path + "/items/queue-0000000003") },
		},
	} {
		for _, prefetch := range []int{0, 7} {
			t.Run(fmt.Sprintf("%s, Prefetch(%d)", name, prefetch), func(t *testing.T) {
				run(t, func(w world) {
					u := w.user(c.opts...)
					u.putMany(20)
					if c.bad != nil {
						c.bad(w)
					}
					f := c.f
					if f == nil {
						f = func(world, *queue.Item) error { return nil }
					}
					consuming := u.consume(func(_ context.Context, item *queue.Item) error { return f(w, item) },
						queue.Prefetch(prefetch), queue.OnError(func(*queue.Item, error) { end() }))
					select {
					case err := <-consuming.done:
						require.Error(w, err)
					case <-time.After(time.Hour):
						require.Fail(w, "it goes on")
					}
					synctest.Wait()
					require.Empty(w, w.Children(path+"/claims"))
				})
			})
		}
	}
}
