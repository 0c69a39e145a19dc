package lock

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/oneline"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// inParallel is how many leases of one candidate are made or removed at a time.
const inParallel = 16

// place makes n leases. When it fails none is left, or they are removed in the
// background.
func (c *candidate) place(ctx context.Context, data []byte, n int) error {
	c.entries = make([]*session.Entry, n)
	errs := make([]error, n)
	each(n, func(i int) { c.entries[i], errs[i] = c.s.Enter(ctx, c.dir, leaseTag, data) })
	c.own = make(map[string]bool, n)
	for i, err := range errs {
		if err != nil {
			c.abandon()
			return err
		}
		e := c.entries[i]
		c.own[e.Name] = true
		number, ok := znode.ParseSeq(e.Name, leaseTag)
		if !ok {
			c.abandon()
			return fmt.Errorf("the server named our node %q, without a sequence number", e.Name)
		}
		if c.last == nil || number-c.number > 0 {
			c.last, c.number = e, number
		}
	}
	return nil
}

// each calls f for 0 to n-1, a few at a time.
func each(n int, f func(int)) {
	if n == 1 {
		f(0)
		return
	}
	free := make(chan struct{}, inParallel)
	var work sync.WaitGroup
	for i := range n {
		free <- struct{}{}
		work.Go(func() {
			f(i)
			<-free
		})
	}
	work.Wait()
}

// first returns the newest of the lists that came with the leases. That all
// creates came before it is likely, not certain.
func (c *candidate) first() leases {
	newest := c.entries[0]
	for _, e := range c.entries[1:] {
		if e.Dir.Pzxid > newest.Dir.Pzxid {
			newest = e
		}
	}
	list := leases{newest.Children, newest.Dir}
	for _, e := range c.entries {
		e.Children = nil // a permit must not keep lists
	}
	return list
}

func (c *candidate) rank(list leases) ranked {
	var r ranked
	for _, name := range list.names {
		number, ok := znode.ParseSeq(name, leaseTag)
		switch distance := number - c.number; {
		case !ok:
		case c.own[name]:
			r.mine++
		case distance > 0:
			r.behind = true
		default:
			r.before++
			r.behind = r.behind || distance == 0
		}
	}
	return r
}

// free reports whether the permits are ours by that list and limit.
func (c *candidate) free(r ranked, limit int) bool {
	return r.mine == len(c.entries) && r.before+len(c.entries) <= limit
}

// wait waits until the permits are ours. Nobody but who is first in line gets
// here, so that a permit given back wakes one.
func (c *candidate) wait(ctx context.Context) (*Permit, error) {
	list := c.first()
	var watch *session.Watch // on the list; nil while that came with the leases
	for {
		r, stale := c.rank(list), c.limit.stale()
		if !stale && c.free(r, c.limit.now) {
			stop(watch)
			return c.permit(ctx, r, list)
		}
		var err error
		switch {
		case watch == nil, stale: // look again
		case r.mine < len(c.entries):
			err = session.ErrDeleted
		default:
			err = c.await(ctx, watch)
		}
		stop(watch)
		if err != nil {
			return nil, err
		}
		if err := c.limit.refresh(ctx); err != nil {
			return nil, err
		}
		if err := enough(len(c.entries), c.limit.now); err != nil {
			return nil, err
		}
		list.names, list.dir, watch, err = c.s.ChildrenW(ctx, c.dir)
		if err != nil {
			return nil, gone(err)
		}
	}
}

func stop(watch *session.Watch) {
	if watch != nil {
		watch.Stop()
	}
}

// gone words the absence of the directory: our leases have gone with it.
func gone(err error) error {
	if errors.Is(err, zk.ErrNoNode) {
		return session.ErrDeleted
	}
	return err
}

// await waits until the leases or the limit change.
func (c *candidate) await(ctx context.Context, watch *session.Watch) error {
	select {
	case <-watch.Done():
	case <-c.limit.changed():
	case <-ctx.Done():
	case <-c.s.Done():
	}
	if err := ctx.Err(); err != nil { // what ends the wait beats what could fulfil it
		return err
	}
	return c.s.Err()
}

// atOnce is wait for one who does not.
func (c *candidate) atOnce(ctx context.Context, limit int) (*Permit, error) {
	list := c.first()
	r := c.rank(list)
	if r.mine < len(c.entries) {
		var err error
		if list.names, list.dir, err = c.s.Children(ctx, c.dir); err != nil {
			return nil, gone(err)
		}
		if r = c.rank(list); r.mine < len(c.entries) {
			return nil, session.ErrDeleted
		}
	}
	if !c.free(r, limit) {
		return nil, ErrNoPermits
	}
	return c.permit(ctx, r, list)
}

// permit begins the holds.
//
// The token is the Pzxid of the list, if it shows no lease behind our last, and
// else the Czxid of that. Either way it is at least that Czxid, and less than
// the Czxid of every lease that is made after the list, and so less than the
// token of everybody who asks after we have been given ours. With a limit of one nobody behind
// us can have held before, so tokens grow from holder to holder.
//
// No two are the same. Pzxid is the instant of the last change that the list
// has seen: two who both take it from lists of one instant would stand in the
// same list, and one of them behind the other. It is the Czxid of another's
// lease only if that stands behind us.
func (c *candidate) permit(ctx context.Context, r ranked, list leases) (*Permit, error) {
	token := list.dir.Pzxid
	if r.behind {
		stat, err := c.last.Watch(ctx)
		if err != nil {
			return nil, err
		}
		token = stat.Czxid
	}
	if err := ctx.Err(); err != nil { // a done ctx beats a free permit
		return nil, err
	}
	holds := make([]*Hold, len(c.entries))
	for i, e := range c.entries {
		h, err := e.Hold(ctx, token)
		if err != nil {
			return nil, err
		}
		holds[i] = newHold(h)
	}
	p := &Permit{newBundle(holds, inParallel), token}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// abandon has the leases removed in the background.
func (c *candidate) abandon() {
	for _, e := range c.entries {
		if e != nil {
			e.Abandon()
		}
	}
}

// remove removes the leases. It goes on in the background when ctx ends.
func (c *candidate) remove(ctx context.Context) error {
	errs := make([]error, len(c.entries))
	each(len(errs), func(i int) { errs[i] = c.entries[i].Remove(ctx) })
	return oneline.Join(errs...)
}
