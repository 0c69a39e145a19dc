//go:build unix

package contrib

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/peers"
)

// The repeated jobs of the three programs.
var jobs = []string{
	"docent locks", "curator locks", "kazoo locks",
	"docent leads", "curator leads",
	"curator puts", "docent consumes", "kazoo puts and gets",
}

// critical is a critical section for one holder at a time.
type critical struct{ inside atomic.Int32 }

func (c *critical) pass(who string) error {
	if n := c.inside.Add(1); n != 1 {
		return fmt.Errorf("%s is in the critical section with %d others", who, n-1)
	}
	time.Sleep(5 * time.Millisecond) // long enough for others to notice
	c.inside.Add(-1)
	return nil
}

// told sends a command to a peer; any answer but the wanted one is an error.
func told(a *peers.Actor, want, verb string, args ...any) error {
	got, err := a.Go(verb, args...).Result()
	if err == nil && got != want {
		err = fmt.Errorf("%s says %q, not %q", verb, got, want)
	}
	return err
}

// guarded enters the section under a lock of a peer's.
func (c *critical) guarded(a *peers.Actor, who string, args ...any) error {
	if err := told(a, "true", "lock.acquire", append(args, patience.Milliseconds())...); err != nil {
		return err
	}
	if err := c.pass(who); err != nil {
		return err
	}
	return told(a, "", "lock.release", args...)
}

func (w *world) begins() {
	var locked, led critical
	java, python := w.java.Actor, w.python.Actor
	mutex := lock.NewMutex(w.sm, "/jobs/lock", lock.ID("docent"))
	w.begin("docent locks", func() error {
		return mutex.Do(w.working, func(context.Context, *lock.Hold) error { return locked.pass("docent") })
	})
	w.begin("curator locks", func() error { return locked.guarded(java("locks"), "curator", "/jobs/lock") })
	w.begin("kazoo locks", func() error { return locked.guarded(python("locks"), "kazoo", "/jobs/lock", "named") })

	latch := election.New(w.sm, "/jobs/latch", election.ID("docent"))
	w.begin("docent leads", func() error {
		term, err := latch.Campaign(w.working)
		if err != nil {
			return err
		}
		if err := led.pass("docent"); err != nil {
			return err
		}
		return term.Resign()
	})
	leader := java("leads")
	w.begin("curator leads", func() error {
		if _, err := leader.Go("elect.latch", "/jobs/latch", "curator").Result(); err != nil {
			return err
		}
		if err := told(leader, "true", "elect.await", "/jobs/latch", patience.Milliseconds()); err != nil {
			return err
		}
		if err := led.pass("curator"); err != nil {
			return err
		}
		_, err := leader.Go("elect.unlatch", "/jobs/latch").Result()
		return err
	})

	puts := java("puts")
	puts.Do("queue.open", "/jobs/queue/items", "fifo", "put", "")
	w.begin("curator puts", func() error {
		if _, err := puts.Go("queue.put", "/jobs/queue/items", "mail").Result(); err != nil {
			return err
		}
		_, err := puts.Go("queue.flush", "/jobs/queue/items", patience.Milliseconds()).Result()
		return err
	})
	mail := queue.New(w.sm, "/jobs/queue")
	w.work.Go(func() {
		err := mail.Consume(w.working, func(_ context.Context, item *queue.Item) error {
			w.did("docent consumes")
			return nil
		})
		if w.working.Err() == nil {
			w.Errorf("the queue: %v", err)
		}
	})
	losses := 0
	gets := python("gets")
	w.begin("kazoo puts and gets", func() error {
		err := told(gets, "", "queue.lput", "/jobs/kazoo", "mail", 100)
		if err == nil {
			err = told(gets, "mail", "queue.lget", "/jobs/kazoo", patience.Milliseconds())
		}
		if err == nil {
			err = told(gets, "true", "queue.consume", "/jobs/kazoo")
		}
		if err != nil && strings.HasPrefix(err.Error(), "ConnectionLoss") {
			// kazoo's queue leaves retries to its user. A queue whose consume
			// was done, but lost its answer, fails for ever: use another one.
			losses++
			gets = python(fmt.Sprint("gets after loss ", losses))
			return errAgain
		}
		return err
	})
}
