package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/chance"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/core"
)

// run is Consume after the check of its options: one goroutine claims items,
// several work on them.
func (c *consumer) run(ctx context.Context) error {
	c.free = newSlots(c.workers+c.prefetch, max(1, c.prefetch/2))
	c.items = make(chan *Item, c.workers+c.prefetch)
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.cancel = cancel
	c.q.snapshot.consume(1)
	defer c.q.snapshot.consume(-1)
	var all sync.WaitGroup
	all.Go(c.endOnGoexit(func() {
		defer c.drain() // the workers may be busy
		defer close(c.items)
		if err := c.fetch(within, all.Go); err != nil {
			cancel(err)
		}
	}))
	for range c.workers {
		all.Go(c.endOnGoexit(func() { c.loop(within) }))
	}
	all.Wait()
	c.free.wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return context.Cause(within)
}

// fetch claims items until ctx ends or taking fails.
func (c *consumer) fetch(ctx context.Context, spawn spawner) error {
	for {
		n, err := c.free.take(ctx)
		if err != nil {
			return nil
		}
		if err := c.claim(ctx, n, spawn); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// claim claims items for n slots, and gives back the slots that it does not
// need.
func (c *consumer) claim(ctx context.Context, n int, spawn spawner) error {
	defer func() { c.free.give(n) }()
	items, err := c.q.take(ctx, n, true, spawn)
	n -= len(items)
	for _, item := range items {
		c.items <- item // the channel has room for all slots
	}
	return err
}

// endOnGoexit has Consume end if a callback ends the goroutine of f. Otherwise
// the goroutine would be missing unnoticed.
func (c *consumer) endOnGoexit(f func()) func() {
	return func() {
		ended := true
		defer func() {
			if ended {
				c.cancel(errWorkerEnded)
			}
		}()
		f()
		ended = false
	}
}

var errWorkerEnded = errors.New("the function has ended the goroutine that it was called on")

// loop works on items until there are no more.
func (c *consumer) loop(ctx context.Context) {
	failed := 0
	for item := range c.items {
		if failed++; c.work(ctx, item, failed) == nil {
			failed = 0
		}
	}
}

// work calls the function for an item, and settles the item. It returns the
// function's error. The slot of the item is given back, at once or later, even
// if a callback ends the goroutine. failed counts the failures in a row,
// including this one.
func (c *consumer) work(ctx context.Context, item *Item, failed int) error {
	later := false
	defer func() {
		if !later {
			c.free.give(1)
		}
	}()
	if item.Err() != nil || ctx.Err() != nil {
		c.giveBack(item)
		return nil
	}
	err := c.call(ctx, item)
	switch {
	case item.settled.Load() != 0: // the function has settled it
	case err != nil:
		c.releaseFailed(ctx, item, err)
	case c.prefetch > 0: // the next item does not wait for the acknowledgement
		later = true
		go c.endOnGoexit(func() { c.ack(item) })()
	default:
		c.report(item, item.Ack())
	}
	if err != nil && !c.q.layout.delays {
		_ = backoff.Backoff{Min: c.firstBackoff, Max: c.maxBackoff}.Wait(ctx, failed-1) // an error means that ctx has ended: the loop notices
	}
	return err
}

// ack acknowledges an item while its worker goes on.
func (c *consumer) ack(item *Item) {
	defer c.free.give(1)
	c.report(item, item.Ack())
}

// releaseFailed reports the error of an item's function, with the loss of the
// claim if there is one, and then releases the item. A release that fails by a
// loss is not reported: the item comes again, as OnError has been told.
func (c *consumer) releaseFailed(ctx context.Context, item *Item, err error) {
	defer func() { c.releaseItem(item, c.retry(item, err)...) }()
	own := err
	if ctxend.Is(ctx, err) {
		own = nil // the function only returns why it was stopped
	}
	if lost := item.Err(); lost != nil && !errors.Is(own, core.ErrLost) {
		own = oneline.Join(own, lost)
	}
	c.report(item, own)
}

// drain releases the items that were claimed and not worked on. It is deferred,
// so it goes on even if OnError ends the goroutine.
func (c *consumer) drain() {
	item, more := <-c.items
	if !more {
		return
	}
	defer c.drain()
	defer c.free.give(1)
	c.giveBack(item)
}

// giveBack releases an item that the function has not been called with.
func (c *consumer) giveBack(item *Item) {
	c.releaseItem(item, WithoutAttempt())
}

// releaseItem releases an item, and reports a failure other than a loss.
func (c *consumer) releaseItem(item *Item, opts ...ReleaseOption) {
	if err := item.Release(opts...); !errors.Is(err, core.ErrLost) {
		c.report(item, err)
	}
}

// call calls the function. If it panics, the item is released.
func (c *consumer) call(ctx context.Context, item *Item) error {
	within, stop := ctxend.WithHold(ctx, &item.Hold)
	return ctxend.Do(within, stop,
		func(ctx context.Context) error { return c.f(ctx, item) },
		func(error) error { return nil }, // the caller ends the claim
		func() { c.report(item, item.Release(Reason("the function panicked"))) })
}

func (c *consumer) report(item *Item, err error) {
	if err != nil {
		c.onError(item, err)
	}
}

// retry returns the options with which an item is released after its function
// has failed.
func (c *consumer) retry(item *Item, err error) []ReleaseOption {
	opts := []ReleaseOption{Reason(err.Error())}
	if !c.q.layout.delays {
		return opts
	}
	bound := c.maxBackoff
	if n := item.Attempt - 1; n < 32 && c.firstBackoff<<n > 0 && c.firstBackoff<<n < c.maxBackoff {
		bound = c.firstBackoff << n
	}
	return append(opts, After(chance.N(bound)+time.Millisecond))
}
