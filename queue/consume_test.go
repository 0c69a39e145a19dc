package queue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

var errWork = errors.New("it does not work")

// consuming is a Consume under way.
type consuming struct {
	stop func()
	done chan error
}

func (u *user) consume(f func(context.Context, *queue.Item) error, opts ...queue.ConsumeOption) *consuming {
	ctx, cancel := context.WithCancel(u.w.Context())
	c := &consuming{cancel, make(chan error, 1)}
	go func() { c.done <- u.Consume(ctx, f, opts...) }()
	synctest.Wait()
	return c
}

func TestConsume(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		for i := range 100 {
			u.put(fmt.Sprint(i))
		}
		var got []string
		c := u.consume(func(ctx context.Context, item *queue.Item) error {
			require.NoError(w, ctx.Err())
			got = append(got, string(item.Data))
			return nil
		})
		w.Eventually(func() bool { return len(w.Children(path+"/items")) == 0 }, "all is consumed")
		for i, data := range got {
			require.Equal(w, fmt.Sprint(i), data, "in order")
		}
		c.stop()
		require.ErrorIs(w, <-c.done, context.Canceled)
	})
}

func TestConsumeWorkersAndPrefetch(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		const items, workers, prefetch = 300, 4, 12
		_, err := u.PutBatch(w.Context(), make([]queue.Msg, items)...)
		require.NoError(w, err)
		var running, most, claims atomic.Int32
		seen := make(map[queue.ID]int)
		var mu sync.Mutex
		c := u.consume(func(_ context.Context, item *queue.Item) error {
			most.Store(max(most.Load(), running.Add(1)))
			claims.Store(max(claims.Load(), int32(len(w.Children(path+"/claims")))))
			time.Sleep(time.Second)
			running.Add(-1)
			mu.Lock()
			defer mu.Unlock()
			seen[item.ID]++
			return nil
		}, queue.Workers(workers), queue.Prefetch(prefetch))
		time.Sleep(items / workers / 2 * time.Second)
		c.stop()
		require.ErrorIs(w, <-c.done, context.Canceled)
		synctest.Wait()
		require.Empty(w, w.Children(path+"/claims"), "what was claimed ahead is given back")
		require.Equal(w, int32(workers), most.Load())
		require.LessOrEqual(w, claims.Load(), int32(workers+prefetch))
		require.Greater(w, claims.Load(), int32(workers))
		for _, e := range u.entries() {
			require.Zero(w, e.Attempts, "and that does not count")
		}
		require.Len(w, u.drain(), items-len(seen))
	})
}

func TestConsumeFailures(t *testing.T) {
	run(t, func(w world) {
		u := w.user(queue.MaxAttempts(3))
		u.put("bad")
		u.put("good")
		var got []string
		var at []time.Time
		var told []error
		c := u.consume(func(_ context.Context, item *queue.Item) error {
			got = append(got, string(item.Data))
			at = append(at, time.Now())
			if string(item.Data) == "bad" {
				return errWork
			}
			return nil
		}, queue.Backoff(time.Second, time.Minute), queue.OnError(func(_ *queue.Item, err error) { told = append(told, err) }))
		w.Eventually(func() bool { return len(w.Children(path+"/dead")) == 1 }, "it is a dead letter")
		require.Equal(w, []string{"bad", "good", "bad", "bad"}, got)
		require.LessOrEqual(w, at[2].Sub(at[0]), 2*time.Second)
		require.Greater(w, at[3], at[2])
		require.Len(w, told, 3)
		require.ErrorIs(w, told[0], errWork)
		require.Equal(w, "not acknowledged in 3 attempts: it does not work", u.letters()[0].Reason)
		c.stop()
		<-c.done
	})
}

func TestConsumeSettledByTheFunction(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		for _, data := range []string{"ack", "reject", "release", "plain"} {
			u.put(data)
		}
		var told []error
		c := u.consume(func(_ context.Context, item *queue.Item) error {
			switch string(item.Data) {
			case "ack":
				return item.Ack()
			case "reject":
				return item.Reject("no")
			case "release":
				if item.Attempt == 1 {
					return item.Release()
				}
			}
			return nil
		}, queue.OnError(func(_ *queue.Item, err error) { told = append(told, err) }))
		w.Eventually(func() bool { return len(w.Children(path+"/items")) == 0 }, "all is consumed")
		require.Empty(w, told)
		require.Len(w, u.letters(), 1)
		c.stop()
		<-c.done
	})
}

// A claim is lost while its function runs. The function's context ends, and its
// result acknowledges nothing.
func TestConsumeLosesAClaim(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		var cause error
		var told []error
		c := u.consume(func(ctx context.Context, item *queue.Item) error {
			if item.Attempt > 1 {
				return nil
			}
			u.p.Expire()
			<-ctx.Done()
			cause = context.Cause(ctx)
			return nil
		}, queue.OnError(func(_ *queue.Item, err error) { told = append(told, err) }))
		w.Eventually(func() bool { return len(w.Children(path+"/items")) == 0 }, "it is consumed in the next session")
		require.ErrorIs(w, cause, session.ErrLost)
		require.Len(w, told, 1)
		require.ErrorIs(w, told[0], session.ErrLost)
		c.stop()
		<-c.done
	})
}

// Formats without delays pause the worker instead.
func TestConsumeWithoutDelays(t *testing.T) {
	run(t, func(w world) {
		u := w.user(queue.Layout(queue.SimpleQueue))
		u.put("a")
		calls := 0
		c := u.consume(func(context.Context, *queue.Item) error {
			calls++
			return errWork
		}, queue.Backoff(time.Second, time.Minute))
		time.Sleep(10 * time.Minute)
		c.stop()
		<-c.done
		require.Less(w, calls, 100)
		require.Greater(w, calls, 5)
	})
}
