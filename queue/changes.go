package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// watch fires when a directory may have changed since it was listed. It is a
// one-shot watch, or changes.
type watch interface {
	Done() <-chan struct{}
	Stop()
}

// changes is a watch that fires for the changes of other clients in a
// directory, and not for our own transactions, which report to it. It is built
// on a persistent watch, and counts events. Each create or delete in the
// directory is one event, which arrives before the answer to the transaction.
// While transactions of ours are under way, as many events as they cause count
// as theirs. When the last is answered, the numbers must be equal.
//
// A change by another process while our transaction is under way may look like
// ours until the answer. Then the changes fire.
type changes struct {
	mu       sync.Mutex
	follower *core.Follower // nil until the watch is set
	done     chan struct{}  // closed when the changes have fired
	fired    bool
	stopped  bool
	pending  int // how many events the transactions under way cause
	caused   int // how many events the transactions have caused that were done meanwhile
	heard    int // how many events have come meanwhile
	total    int // how many events have come
	foreign  int // how many of them came since the list, and are not ours
}

// maxForeignEvents is how many events of other clients may come between two
// lists. After that, the watch is given up until the consumer has no items at
// hand: a list shows all changes anyhow.
const maxForeignEvents = 64

// follow returns the changes of a directory. It returns nil if the servers have
// no persistent watches.
func follow(ctx context.Context, s *core.Session, dir string) (*changes, error) {
	c := &changes{done: make(chan struct{})}
	follower, err := s.Follow(ctx, dir, false, c.onEvent)
	if errors.Is(err, core.ErrUnimplemented) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follower = follower
	return c, nil
}

// onEvent counts an event. The session calls it.
func (c *changes) onEvent(e core.Followed) {
	c.mu.Lock()
	c.total++
	if e.Event == core.NodeChildrenChanged && c.pending > 0 {
		if c.heard++; c.heard <= c.caused+c.pending {
			c.mu.Unlock()
			return
		}
	}
	c.fire()
	c.foreign++
	giveUp := c.foreign > maxForeignEvents && c.follower != nil && !c.stopped
	c.stopped = c.stopped || giveUp
	c.mu.Unlock()
	if giveUp {
		c.follower.Stop()
	}
}

// fire is called with mu held.
func (c *changes) fire() {
	if !c.fired {
		c.fired = true
		close(c.done)
	}
}

// begin records that a transaction is sent that causes n events if it is done.
// The caller calls end with its answer.
func (c *changes) begin(n int) (end func(done bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending += n
	return func(done bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pending -= n
		if done {
			c.caused += n
		}
		if c.pending > 0 {
			return
		}
		if c.heard != c.caused {
			c.fire()
		}
		c.heard, c.caused = 0, 0
	}
}

// again is called before the directory is listed. The list shows all earlier
// changes. It returns false if the watch is given up. Then the changes stay
// fired: no event would tell of a later change.
func (c *changes) again() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return false
	}
	c.foreign = 0
	if c.fired {
		c.fired, c.done = false, make(chan struct{})
	}
	return true
}

// still returns a function that reports whether no event has come since. It
// returns nil if an event may have come since the list.
func (c *changes) still() func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fired || c.pending > 0 {
		return nil
	}
	total := c.total
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.total == total
	}
}

// Done returns a channel that is closed when the changes have fired since again
// was called.
func (c *changes) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

// Stop removes the watch. It fires, because later changes are not seen.
func (c *changes) Stop() {
	c.mu.Lock()
	c.stopped = true
	c.fire()
	c.mu.Unlock()
	c.follower.Stop()
}

// lasting returns the changes that watch a directory for the snapshot. was is
// the directory's watch so far. It returns nil if a one-shot watch suffices:
// without a Consume, as long as items are at hand, and on older servers.
func (p *snapshot) lasting(ctx context.Context, s *core.Session, was watch, dir string, idle bool) (*changes, error) {
	if c, ok := was.(*changes); ok && c.again() {
		return c, nil
	}
	p.mu.Lock()
	wanted := idle && p.consumers > 0 && !p.unfollowable
	p.mu.Unlock()
	if !wanted {
		return nil, nil
	}
	c, err := follow(ctx, s, dir)
	if c == nil && err == nil {
		p.mu.Lock()
		p.unfollowable = p.s == s
		p.mu.Unlock()
	}
	return c, err
}

// listEvery is how often an idle consumer lists the queue without an event
// where ACLs are in use. A server sends no event of a directory while the
// session may not read it. A session checks its one-shot watches for that, and
// not its persistent watches.
const listEvery = time.Minute

// listAnyhow reports whether a persistent watch is set. It returns when the
// queue is listed even if that watch does not fire, or the zero Time for never.
// The caller holds mu.
func (p *snapshot) listAnyhow() (at time.Time, lasting bool) {
	_, items := p.items.(*changes)
	_, claims := p.claims.(*changes)
	lasting = items || claims
	if lasting && (p.list.stat.Aversion != 0 || p.s.UsesACLs()) {
		at = p.list.at.Add(listEvery)
	}
	return at, lasting
}

// listOverdue reports whether it is time to list without an event. The caller
// holds mu.
func (p *snapshot) listOverdue() bool {
	at, _ := p.listAnyhow()
	return !at.IsZero() && !time.Now().Before(at)
}

// consume is called with 1 when a Consume begins, and with -1 when it has
// ended.
func (p *snapshot) consume(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.consumers += n; p.consumers == 0 && p.s != nil {
		p.unwatch()
	}
}

// unwatch removes all watches, persistent or one-shot, so that a process that
// has ended its consumers keeps none. A Take that waits sets new ones. The
// caller holds mu.
func (p *snapshot) unwatch() {
	for _, w := range []*watch{&p.items, &p.claims} {
		if *w != nil {
			replace(w, removed{})
		}
	}
	p.wake()
}

// removed is in the place of a watch that was removed. Changes may have been
// missed since, so it counts as fired.
type removed struct{}

var firedAlready = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (removed) Done() <-chan struct{} { return firedAlready }
func (removed) Stop()                 {}

// unfollow removes the persistent watches. The caller holds mu.
func (p *snapshot) unfollow() {
	for _, w := range []watch{p.items, p.claims} {
		if c, ok := w.(*changes); ok {
			c.Stop()
		}
	}
}

// changing records that a transaction is sent that creates or deletes so many
// znodes in the directories of the items and of the claims. The caller calls
// end with its answer.
func (p *snapshot) changing(s *core.Session, items, claims int) (end func(done bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ends []func(bool)
	begin := func(w watch, n int) {
		if c, ok := w.(*changes); ok && n > 0 && p.s == s {
			ends = append(ends, c.begin(n))
		}
	}
	begin(p.items, items)
	begin(p.claims, claims)
	return func(done bool) {
		for _, end := range ends {
			end(done)
		}
	}
}
