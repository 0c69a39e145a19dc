package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/chance"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
)

// run is Consume with its options checked: one goroutine claims items, several work on
// them.
func (c *consumer) run(ctx context.Context) error {
	c.free = newSlots(c.workers+c.prefetch, max(1, c.prefetch/2))
	c.items = make(chan *Item, c.workers+c.prefetch)
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	all.Go(func() {
		if err := c.fetch(within); err != nil {
			cancel(err)
		}
		close(c.items)
		for item := range c.items { // the workers may have their hands full
			c.giveBack(item)
		}
	})
	for range c.workers {
		all.Go(func() {
			c.loop(within, cancel)
		})
	}
	all.Wait()
	c.free.wait()
	if ctx.Err() != nil {
		return c.q.failed(ctx, "consume", ctx.Err())
	}
	return context.Cause(within)
}

// fetch claims items until ctx ends or taking fails.
func (c *consumer) fetch(ctx context.Context) error {
	for {
		n, err := c.free.take(ctx)
		if err != nil {
			return nil
		}
		items, err := c.q.take(ctx, n, true)
		c.free.give(n - len(items))
		for _, item := range items {
			c.items <- item // there is room for all that have a slot
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// loop works on items until there are no more.
func (c *consumer) loop(ctx context.Context, cancel context.CancelCauseFunc) {
	ended := true
	defer func() {
		if ended { // the others go on no more either: nobody would know
			cancel(errWorkerEnded)
		}
	}()
	failed := 0
	for item := range c.items {
		err := c.work(ctx, item)
		if failed++; err == nil {
			failed = 0
			continue
		}
		if !c.q.layout.delays {
			_ = line.Pause(ctx, failed-1, c.least, c.most) // it ends with ctx, and so do we
		}
		c.free.give(1)
	}
	ended = false
}

var errWorkerEnded = errors.New("the function has ended the goroutine that it was called on")

// work calls the function for an item, and settles it. It returns what the function
// did; unless that is an error, the slot of the item is given back or will be.
func (c *consumer) work(ctx context.Context, item *Item) error {
	if item.Err() != nil || ctx.Err() != nil {
		c.giveBack(item)
		return nil
	}
	err := c.call(ctx, item)
	switch {
	case item.settled.Load() != 0: // by the function itself
	case err == nil:
		if c.prefetch > 0 { // the next item does not wait for it
			go c.ack(item)
			return nil
		}
		c.tell(item, item.Ack())
	default:
		c.tell(item, err)
		c.tell(item, item.Release(c.retry(item, err)...))
	}
	if err == nil {
		c.free.give(1)
	}
	return err
}

// ack acknowledges an item while its worker goes on.
func (c *consumer) ack(item *Item) {
	c.tell(item, item.Ack())
	c.free.give(1)
}

// giveBack releases an item that the function has not seen.
func (c *consumer) giveBack(item *Item) {
	if err := item.Release(Uncounted()); !errors.Is(err, core.ErrLost) {
		c.tell(item, err)
	}
	c.free.give(1)
}

// call calls the function. If it panics the item is released.
func (c *consumer) call(ctx context.Context, item *Item) error {
	within, stop := line.Within(ctx, &item.Hold)
	returned := false
	defer func() {
		stop()
		if !returned {
			c.tell(item, item.Release(Because("the function panicked")))
			c.free.give(1)
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
