package suite_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// errWork is the error of a function that fails.
var errWork = errors.New("the work fails")

// work is the consumers of one run.
type work struct {
	*book
	restless context.Context // ends before the last consumers empty the queue
	others   sync.WaitGroup  // the goroutines that settle items for a function
}

// run calls Consume again and again until the actor has to end.
func (c *work) run(a *simulation.Actor, q *queue.Queue) {
	var turn sync.Mutex // an actor is for one goroutine, but each item has its own
	turns := 0
	for a.Going() {
		ctx, cancel := a.Within(time.Minute)
		err := q.Consume(ctx, func(ctx context.Context, i *queue.Item) error {
			turn.Lock()
			turns++
			worker := a.Fork(fmt.Sprint("item ", turns))
			turn.Unlock()
			return c.do(ctx, worker, q, i)
		}, queue.Workers(1+a.N(3)), queue.Prefetch(a.N(20)), queue.Backoff(time.Millisecond, 3*time.Second),
			queue.OnError(func(_ *queue.Item, err error) {
				if !errors.Is(err, session.ErrLost) && !errors.Is(err, errWork) {
					c.w.Break("errors", "OnError: %v", err)
				}
			}))
		if ctx.Err() == nil && !strings.Contains(err.Error(), "ended the goroutine") {
			c.w.Break("errors", "consume: %v", err)
		}
		cancel()
	}
}

// do works on an item, and settles it in one of many ways.
func (c *work) do(ctx context.Context, a *simulation.Actor, q *queue.Queue, i *queue.Item) error {
	c.took(i)
	a.Sleep(i.Context(), 250*time.Millisecond)
	a.Work()
	switch a.N(24) {
	case 0:
		let(a, "release", i.Release())
		return nil
	case 1:
		let(a, "release", i.Release(queue.After(a.UpTo(5*time.Second))))
		return nil
	case 2:
		let(a, "release", i.Release(queue.WithoutAttempt()))
		return nil
	case 3:
		let(a, "reject", i.Reject("by chance"))
		return nil
	case 4:
		return errWork
	case 5:
		if c.restless.Err() == nil {
			runtime.Goexit()
		}
	case 6:
		c.others.Go(func() { let(a, "acknowledge", c.ack(i)) })
		return nil
	case 7:
		if more, err := q.TryTake(ctx); err == nil {
			c.took(more)
			let(a, "acknowledge", c.ack(more))
		}
	}
	let(a, "acknowledge", c.ack(i))
	return nil
}

// malform puts items that cannot be decoded, as another client might.
func (c *work) malform(a *simulation.Actor) {
	for n := 0; a.Going() && c.restless.Err() == nil; n++ {
		ctx, cancel := a.Within(10 * time.Second)
		err := a.EnsureDir(ctx, "/a/queue/items")
		if err == nil {
			_, err = a.Create(ctx, fmt.Sprintf("/a/queue/items/queue-%010d", 500_000_000+n), []byte("malformed"), session.Persistent)
		}
		fine(a, ctx, "put a malformed item", err, session.ErrUnknownOutcome, session.ErrNoNode)
		cancel()
		a.Sleep(c.restless, 20*time.Second)
	}
}

// consumers puts items into a queue, and has functions called with them.
// Consumers claim ahead; their functions settle the item, leave that to another
// goroutine, take a second item, fail, or end their goroutine. After the faults
// they empty the queue.
func consumers() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		attempts := 3 + w.Dice("attempts").N(6)
		c := &work{book: newBook(w, attempts)}
		var rest context.CancelFunc
		c.restless, rest = context.WithCancel(w.Context())
		for _, p := range w.Procs() {
			q := queue.New(p.Manager, "/a/queue", queue.MaxAttempts(attempts), queue.OnDead(c.died))
			w.Go(p, "producer", func(a *simulation.Actor) { c.produce(c.restless, a, q) })
			w.Go(p, "consumer", func(a *simulation.Actor) { c.run(a, q) })
		}
		w.Go(w.Procs()[0], "reaper", reap)
		w.Go(w.Procs()[0], "stranger", c.malform)
		w.BeforeEnd(func() {
			rest()
			deadline := time.Now().Add(5 * time.Minute)
			for left := 1; left > 0; time.Sleep(time.Second) {
				if node, found := w.Srv.Node("/a/queue/items"); found {
					left = len(node.Children)
				} else {
					left = 0
				}
				if time.Now().After(deadline) {
					w.Break("converges", "%d items are left although consumers run", left)
					return
				}
			}
		})
		w.AtEnd(func() {
			c.others.Wait()
			time.Sleep(time.Minute)
			for _, s := range w.Srv.Sessions() {
				if n := w.Srv.SessionWatches(s.ID); n > 0 {
					w.Break("nothing is left", "session %v keeps %d watches after its consumers have ended", session.ID(s.ID), n)
				}
			}
			c.settle(queue.New(w.Procs()[0].Manager, "/a/queue"))
		})
	}, Watches: -1}
}

func TestConsumeSimulation(t *testing.T)       { simulation.Run(t, seeds, consumers()) }
func TestConsumeForcedSimulation(t *testing.T) { simulation.Run(t, seeds, forced(consumers())) }
