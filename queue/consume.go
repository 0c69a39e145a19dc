package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/chance"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/oneline"
)

// ConsumeOption changes how Consume works.
type ConsumeOption func(*consumer)

type consumer struct {
	q           *Queue
	f           func(ctx context.Context, item *Item) error
	workers     int
	prefetch    int
	least, most time.Duration
	onError     func(*Item, error)
	err         error

	turn chan struct{} // a place for each function that may run
}

// Workers sets how many items are worked on at a time. The default is 1.
func Workers(n int) ConsumeOption {
	return func(c *consumer) {
		c.workers = n
		if n < 1 {
			c.err = oneline.Join(c.err, fmt.Errorf("Workers(%d): there must be one at least", n))
		}
	}
}

// Prefetch sets how many items are claimed ahead, or on their way to be
// acknowledged, while all workers are busy. The default is 0. It makes up for
// the time that requests take. It costs order, which becomes approximate; and other
// consumers do not get what is claimed ahead and waits.
func Prefetch(n int) ConsumeOption {
	return func(c *consumer) {
		c.prefetch = n
		if n < 0 {
			c.err = oneline.Join(c.err, fmt.Errorf("Prefetch(%d): it must not be negative", n))
		}
	}
}

// Backoff sets how long an item is kept back whose function has failed: a random time
// below least, which doubles with each attempt up to most. The default is one second and
// one minute. Where the queue's format knows no delays the worker pauses instead.
func Backoff(least, most time.Duration) ConsumeOption {
	return func(c *consumer) {
		c.least, c.most = least, most
		if least <= 0 || most < least {
			c.err = oneline.Join(c.err, fmt.Errorf("Backoff(%v, %v): want 0 < least <= most", least, most))
		}
	}
}

// OnError has f told of everything that makes an item come again: what the
// function returned, and what Ack or Release did. f may be called by several workers at a time.
func OnError(f func(item *Item, err error)) ConsumeOption {
	misuse.NilFunc(f == nil, "queue.OnError")
	return func(c *consumer) { c.onError = f }
}

// Consume takes items and calls f with each, until ctx ends or taking fails for
// good; it returns why, when all functions have returned. When f returns nil the
// item is acknowledged. When f returns an error the item is released, to be
// taken again after a while (see Backoff), or made a dead letter (see MaxAttempts). When f panics it is
// released too. f may Ack, Release or Reject the item itself.
//
// The context that f gets ends when ctx does, or when the claim is lost;
// context.Cause tells which. Items that were claimed ahead when ctx ends are
// given back, and that attempt is not counted.
func (q *Queue) Consume(ctx context.Context, f func(ctx context.Context, item *Item) error, opts ...ConsumeOption) error {
	q.made()
	misuse.NilFunc(f == nil, "Queue.Consume")
	c := &consumer{q: q, f: f, workers: 1, least: time.Second, most: time.Minute, onError: func(*Item, error) {}}
	misuse.Apply("Queue.Consume", c, opts)
	if c.err != nil {
		return q.fail("consume", c.err)
	}
	c.turn = make(chan struct{}, c.workers)
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for range c.workers + c.prefetch {
		all.Go(func() {
			if err := c.loop(within); err != nil {
				cancel(err) // the first counts
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return q.failed(ctx, "consume", ctx.Err())
	}
	return context.Cause(within)
}

// loop takes and works until ctx ends or taking fails.
func (c *consumer) loop(ctx context.Context) error {
	for failed := 0; ; {
		item, err := c.q.Take(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if c.work(ctx, item) == nil {
			failed = 0
			continue
		}
		failed++
		if c.q.layout.delays {
			continue
		}
		if err := line.Pause(ctx, failed-1, c.least, c.most); err != nil {
			return nil
		}
	}
}

// work waits for a worker's place and calls the function. It returns what the
// function did.
func (c *consumer) work(ctx context.Context, item *Item) (err error) {
	select {
	case c.turn <- struct{}{}:
	case <-item.Done():
		return c.giveBack(item)
	case <-ctx.Done():
		return c.giveBack(item)
	}
	if item.Err() != nil || ctx.Err() != nil {
		<-c.turn
		return c.giveBack(item)
	}
	err = c.call(ctx, item)
	switch {
	case item.settled.Load() != 0: // by the function itself
	case err == nil:
		c.tell(item, item.Ack())
	default:
		c.tell(item, err)
		c.tell(item, item.Release(c.retry(item, err)...))
	}
	return err
}

// giveBack releases an item that the function has not seen.
func (c *consumer) giveBack(item *Item) error {
	if err := item.Release(Uncounted()); !errors.Is(err, core.ErrLost) {
		c.tell(item, err)
	}
	return nil
}

// call calls the function within a worker's place. If it panics the item is
// released.
func (c *consumer) call(ctx context.Context, item *Item) error {
	within, stop := line.Within(ctx, &item.Hold)
	returned := false
	defer func() {
		stop()
		<-c.turn
		if !returned {
			c.tell(item, item.Release(Because("the function panicked")))
		}
	}()
	err := c.f(within, item)
	returned = true
	return err
}

func (c *consumer) tell(item *Item, err error) {
	if err != nil {
		c.onError(item, err)
	}
}

// retry says how an item is released whose function has failed.
func (c *consumer) retry(item *Item, err error) []ReleaseOption {
	opts := []ReleaseOption{Because(err.Error())}
	if !c.q.layout.delays {
		return opts
	}
	bound := c.most
	if n := item.Attempt - 1; n < 32 && c.least<<n > 0 && c.least<<n < c.most {
		bound = c.least << n
	}
	return append(opts, After(chance.N(bound)+time.Millisecond))
}
