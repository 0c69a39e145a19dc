package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/bounds"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/oneline"
)

// ConsumeOption changes how Consume works.
type ConsumeOption func(*consumer)

type consumer struct {
	q            *Queue
	f            func(ctx context.Context, item *Item) error
	workers      int
	prefetch     int
	firstBackoff time.Duration
	maxBackoff   time.Duration
	onError      func(*Item, error)
	err          error

	free   *slots     // for items that are claimed and not yet settled
	items  chan *Item // claimed, and not yet worked on, in order
	cancel context.CancelCauseFunc
}

// Workers sets how many items are worked on at a time. The default is 1.
func Workers(n int) ConsumeOption {
	return func(c *consumer) {
		c.workers = n
		if n < 1 {
			c.err = oneline.Join(c.err, fmt.Errorf("Workers(%d): there must be at least 1 worker", n))
		}
	}
}

// Prefetch sets how many items may be claimed ahead or be on their way to be
// acknowledged while all workers are busy. The default is 0. It hides the time
// that requests take: one request claims several items, and one acknowledges
// several. Other consumers do not get the items that are claimed ahead.
func Prefetch(n int) ConsumeOption {
	return func(c *consumer) {
		c.prefetch = n
		if err := bounds.AtLeast("Prefetch", n, 0); err != nil {
			c.err = oneline.Join(c.err, err)
		}
	}
}

// Backoff sets how long an item is withheld after its function has failed: a
// random time between zero and a bound. The bound is first after the first
// attempt. It doubles with each attempt, and never exceeds max. The defaults are
// one second and one minute. If the queue's layout has no delays, the worker
// pauses instead.
func Backoff(first, max time.Duration) ConsumeOption {
	return func(c *consumer) {
		c.firstBackoff, c.maxBackoff = first, max
		if first <= 0 || max < first {
			c.err = oneline.Join(c.err, fmt.Errorf("Backoff(%v, %v): first must be above 0, and max not less", first, max))
		}
	}
}

// OnError sets a function that Consume calls with each error after which an item
// comes again: errors of the function, and errors of Ack and Release. A loss of
// the claim is reported once, together with the function's error. After the end
// of Consume's ctx, the error of ctx is not reported. Consume calls f on the
// goroutines of its workers, several calls at a time. The worker waits for f.
func OnError(f func(item *Item, err error)) ConsumeOption {
	misuse.NilFunc(f == nil, "queue.OnError")
	return func(c *consumer) { c.onError = f }
}

// Consume takes items and calls f with each, until ctx ends or taking fails for
// good. It returns the reason, after all calls of f have returned. If f returns
// nil, the item is acknowledged. If f returns an error, the item is released,
// to be taken again after a while (see Backoff), or becomes a dead letter (see
// MaxAttempts). If f panics, the item is released, and the panic goes on: it ends
// the program, as the panic of any goroutine does. f may Ack, Release or Reject
// the item itself. Consume also ends if f, OnError, OnDead or OnSkipped
// ends the goroutine that it was called on.
//
// The context that f gets ends when ctx ends, or when the claim is lost;
// context.Cause returns which. If ctx ends during a call of f, and f returns an
// error, that attempt counts: f can give it back with Release and
// WithoutAttempt. Items that were claimed ahead when ctx ends are released, and
// that attempt is not counted.
//
// Consume never returns nil. Errors: ctx's; the errors of Take; an invalid
// option. Consume is safe for concurrent use.
func (q *Queue) Consume(ctx context.Context, f func(ctx context.Context, item *Item) error, opts ...ConsumeOption) error {
	q.made()
	misuse.NilFunc(f == nil, "Queue.Consume")
	c := &consumer{q: q, f: f, workers: 1, firstBackoff: time.Second, maxBackoff: time.Minute, onError: func(*Item, error) {}}
	misuse.Apply("Queue.Consume", c, opts)
	if c.err != nil {
		return q.failed(ctx, "consume queue", c.err)
	}
	return q.failed(ctx, "consume queue", c.run(ctx))
}
