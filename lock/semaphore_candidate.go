package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// inParallel is how many leases of one candidate are made or removed at a time.
const inParallel = 16

// place creates n leases and lists the leases. If it fails, no lease is left,
// or the leases are removed in the background.
//
// One list serves all n creates. A list for each create would take memory that
// is quadratic in n.
func (c *candidate) place(ctx context.Context, data []byte, n int) (leases, error) {
	c.since = time.Now()
	enter := c.s.EnterUnlisted
	if n == 1 {
		enter = c.s.Enter
	}
	c.entries = make([]*core.Entry, n)
	errs := each(n, inParallel, func(i int) (err error) {
		c.entries[i], err = enter(ctx, c.dir, leaseTag, data)
		return err
	})
	c.own = make(map[string]bool, n)
	for i, err := range errs {
		if err != nil {
			c.abandon()
			return leases{}, err
		}
		e := c.entries[i]
		c.own[e.Name] = true
		number, ok := znode.ParseSeq(e.Name, leaseTag)
		if !ok {
			c.abandon()
			return leases{}, fmt.Errorf("the server named our znode %q, without a sequence number", e.Name)
		}
		if c.last == nil || number-c.number > 0 {
			c.last, c.number = e, number
		}
	}
	c.upTo = c.number
	list := leases{c.entries[0].Children, c.entries[0].Dir}
	for _, e := range c.entries {
		e.Children = nil // a permit must not keep lists
	}
	if n == 1 {
		return list, nil
	}
	list, err := c.list(ctx)
	if err != nil {
		c.abandon()
	}
	return list, err
}

// list lists the leases.
func (c *candidate) list(ctx context.Context) (list leases, err error) {
	list.names, list.dir, err = c.s.Children(ctx, c.dir)
	return list, gone(err)
}

func (c *candidate) rank(list leases) ranked {
	var r ranked
	for _, name := range list.names {
		number, ok := znode.ParseSeq(name, leaseTag)
		switch {
		case !ok:
		case c.own[name]:
			r.mine++
		default:
			if number-c.upTo <= 0 {
				r.before++
			}
			r.behind = r.behind || number-c.number >= 0
		}
	}
	return r
}

// limitChanged takes a list from after a change of the limit. Its leases count
// as before our own from then on: any of them may hold by the earlier limit.
func (c *candidate) limitChanged(list leases) {
	for _, name := range list.names {
		if number, ok := znode.ParseSeq(name, leaseTag); ok && number-c.upTo > 0 {
			c.upTo = number
		}
	}
}

// granted reports whether the candidate has its permits by that list and limit.
func (c *candidate) granted(r ranked, limit int) bool {
	return r.mine == len(c.entries) && r.before+len(c.entries) <= limit
}

// wait waits until the candidate has its permits. Only the first waiter calls
// it, so that a released permit wakes one. list came with the leases.
func (c *candidate) wait(ctx context.Context, list leases) (*Permit, error) {
	var watch *core.Watch // on the list; nil while list is the one that came with the leases
	for {
		r, stale := c.rank(list), c.limit.stale()
		if !stale && c.granted(r, c.limit.now) {
			ok, err := true, error(nil)
			if c.limit.shared() && (watch != nil || time.Since(c.since) > fresh) {
				ok, err = c.confirm(ctx, c.limit.version)
				ok = ok && !c.limit.stale()
			}
			if ok || err != nil {
				stop(watch)
			}
			switch {
			case err != nil:
				return nil, err
			case ok:
				return c.permit(ctx, r, list)
			}
			stale = true
		}
		var err error
		switch {
		case watch == nil, stale: // look again
		case r.mine < len(c.entries):
			err = core.ErrDeleted
		default:
			err = c.await(ctx, watch, list)
			stale = c.limit.stale()
		}
		stop(watch)
		if err != nil {
			return nil, err
		}
		if stale {
			if err := c.limit.look(ctx); err != nil {
				return nil, err
			}
			if err := c.limit.enough(ctx, len(c.entries)); err != nil {
				return nil, err
			}
		}
		list.names, list.dir, watch, err = c.s.ChildrenW(ctx, c.dir)
		if err != nil {
			return nil, gone(err)
		}
		if stale {
			c.limitChanged(list)
		}
	}
}

// confirm reports whether the limit still has the version that the candidate
// has read, and whether its last lease exists. The answer is as of an instant
// after all earlier answers.
func (c *candidate) confirm(ctx context.Context, version int32) (bool, error) {
	_, err := c.s.Txn(ctx, core.CheckOp(c.last.Path(), core.AnyVersion), core.CheckOp(c.limit.node, version))
	refused, known := core.RefusedOp(err)
	switch {
	case err == nil:
		return true, nil
	case known && refused == 0 && errors.Is(err, core.ErrNoNode):
		return false, core.ErrDeleted
	case errors.Is(err, core.ErrBadVersion), errors.Is(err, core.ErrNoNode):
		return false, nil
	case errors.Is(err, core.ErrUnknownOutcome) && ctx.Err() == nil && c.s.Err() == nil:
		return false, nil // a check may be repeated
	}
	return false, err
}

func stop(watch *core.Watch) {
	if watch != nil {
		watch.Stop()
	}
}

// gone turns the absence of the directory into ErrDeleted: our leases have gone
// with it.
func gone(err error) error {
	if errors.Is(err, core.ErrNoNode) {
		return core.ErrDeleted
	}
	return err
}

// await waits until the leases or the limit change.
func (c *candidate) await(ctx context.Context, watch *core.Watch, list leases) error {
	slow := time.NewTimer(lookLate)
	defer slow.Stop()
	for waiting := true; waiting; {
		waiting = false
		select {
		case <-slow.C:
			c.lookAtOthers(ctx, list)
			waiting = true
		case <-watch.Done():
		case <-c.limit.changed():
		case <-ctx.Done():
		case <-c.s.Done():
		}
	}
	if err := ctx.Err(); err != nil { // what ends the wait beats what could fulfil it
		return c.waitingFor(err)
	}
	return c.s.Err()
}

// atOnce is wait for a candidate that does not wait.
func (c *candidate) atOnce(ctx context.Context, list leases) (*Permit, error) {
	r, limit := c.rank(list), c.limit.permits
	if r.mine < len(c.entries) {
		var err error
		if list, err = c.list(ctx); err != nil {
			return nil, err
		}
	}
	if c.limit.shared() {
		var err error
		if limit, list, err = c.settle(ctx, list); err != nil {
			return nil, err
		}
	}
	switch r = c.rank(list); {
	case r.mine < len(c.entries):
		return nil, core.ErrDeleted
	case !c.granted(r, limit):
		c.taken = list
		return nil, ErrNoPermits
	}
	return c.permit(ctx, r, list)
}

// settle reads the shared limit until the list is known to be valid for it. If
// the limit was written before our last lease was created, the first read is
// enough. A limit that was written later has to stay the same while the leases
// are listed again.
func (c *candidate) settle(ctx context.Context, list leases) (limit int, _ leases, err error) {
	known := c.last.Czxid // a limit last written at or before this zxid is valid for list; 0: no limit is
	for {
		data, stat, err := c.s.Get(ctx, c.limit.node)
		if err != nil {
			if err := c.limit.orMake(ctx, err); err != nil {
				return 0, list, err
			}
			continue
		}
		if limit, err = c.limit.decode(data); err != nil {
			return 0, list, err
		}
		if limit <= 0 {
			return 0, list, fmt.Errorf("%w: a limit of %d in %s closes the semaphore", ErrNoPermits, limit, c.limit.node)
		}
		if err := enough(len(c.entries), limit); err != nil {
			return 0, list, err
		}
		if stat.Mzxid <= known {
			ok := true
			if time.Since(c.since) > fresh && c.granted(c.rank(list), limit) {
				if ok, err = c.confirm(ctx, stat.Version); err != nil {
					return 0, list, err
				}
			}
			if ok {
				return limit, list, nil
			}
		}
		known = stat.Mzxid
		if list, err = c.list(ctx); err != nil {
			return 0, list, err
		}
		c.limitChanged(list)
	}
}

// permit begins the holds.
//
// If the list shows no lease after our last, the token is the Pzxid of the
// list. Otherwise it is the Czxid of our last lease. Either way it is at least
// that Czxid. It is less than the Czxid of every lease that is created after
// the list, and so less than the token of every later request. With a limit of
// one, no contender after us can have held before. So tokens grow from holder
// to holder.
//
// No two tokens are the same. Pzxid is the instant of the last change that the
// list has seen. Two contenders that both take it from lists of one instant
// would both be in that list, one of them after the other. Pzxid is the Czxid
// of another contender's lease only if that lease comes after ours.
func (c *candidate) permit(ctx context.Context, r ranked, list leases) (*Permit, error) {
	token := list.dir.Pzxid
	if r.behind {
		stat, err := c.last.Watch(ctx)
		if err != nil {
			return nil, err
		}
		token = stat.Czxid
	}
	if err := ctx.Err(); err != nil { // if ctx is done, a free permit is not taken
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
	p := &Permit{newBundle(c.path, holds, inParallel), token}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// abandon removes the leases in the background.
func (c *candidate) abandon() {
	for _, e := range c.entries {
		if e != nil {
			e.Abandon()
		}
	}
}

// remove removes the leases. It continues in the background when ctx ends.
func (c *candidate) remove(ctx context.Context) error {
	return oneline.Join(each(len(c.entries), inParallel, func(i int) error { return c.entries[i].Remove(ctx) })...)
}
