package waitqueue

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// ownNode is the answer to the watched read of our own node.
type ownNode struct {
	czxid int64
	err   error
}

// ownLate is how long a contender waits before its own node is watched, unless
// its turn is prepared earlier. If its node is deleted in that time, the
// contender joins again this much later. It cannot hold with the deleted node:
// see the package documentation.
const ownLate = time.Second

// wait is what Join does behind another contender: it blocks until every
// predecessor that ours waits for is gone. The package documentation says what
// each change of state has to prove.
func (l *Queue) wait(ctx context.Context, c *contender) (*core.Hold, error) {
	own := make(chan ownNode, 1)
	ask := func() { // ends with the session, since a hold may need the watch when ctx has ended
		stat, err := c.Watch(context.Background())
		own <- ownNode{stat.Czxid, err}
	}
	c.own, c.late = own, time.AfterFunc(ownLate, ask)
	defer c.late.Stop()
	defer c.blocker.ends()
	if c.view.before > 2 || c.view.before == 2 && len(l.compatible) > 0 { // otherwise approach sees the first one
		first := znode.Join(l.dir, c.view.first)
		slow := time.AfterFunc(ownLate, func() { c.seeFirst(ctx, first) })
		defer slow.Stop()
	}
	if c.Czxid == 0 && c.late.Stop() {
		go ask()
	}
	for c.view.before > 0 {
		first, err := l.approach(ctx, c)
		if err != nil {
			return nil, err
		}
		if first {
			break
		}
	}
	if c.Czxid == 0 {
		if err := c.awaitOwn(ctx); err != nil {
			return nil, err
		}
	}
	return l.hold(ctx, c, c.Czxid)
}

// seeFirst notes if the first contender is lasting: then the line stands still,
// whatever the contenders in between do. It costs one read for each contender
// that waits for longer than ownLate.
func (c *contender) seeFirst(ctx context.Context, path string) {
	stat, found, err := c.s.Exists(ctx, path)
	if err == nil && found && core.Lasting(stat) { // an error leaves the reason of the wait unknown
		c.blocker.lasts(path)
	}
}

// approach waits for one change in the wait queue. It returns first if the end
// of its predecessor makes the contender first. Otherwise it updates the view
// from a new list.
func (l *Queue) approach(ctx context.Context, c *contender) (first bool, err error) {
	switch pred := c.view.pred; {
	case l.leavesSuccessor(pred), c.view.before > 1 && len(l.compatible) > 0: // apart
		if err := l.awaitPredecessor(ctx, c, znode.Join(l.dir, pred)); err != nil {
			return false, err
		}
		return false, l.list(ctx, c)
	case c.view.before > 1: // far
		if err := l.awaitPredecessor(ctx, c, znode.Join(l.dir, c.view.ahead)); err != nil {
			return false, err
		}
		return l.standBy(ctx, c, true)
	}
	return l.standBy(ctx, c, false)
}

// standBy prepares the contender's turn, and waits for the end of its
// predecessor. With list, it lists the directory in the same packet. It returns
// at once if that list shows other predecessors than this one.
func (l *Queue) standBy(ctx context.Context, c *contender, list bool) (first bool, err error) {
	if c.late.Stop() {
		c.own = nil // the packet reads the node instead
	}
	pred := c.view.pred
	path := znode.Join(l.dir, pred)
	turn, err := c.Prepare(ctx, path, list)
	if err != nil {
		return false, err
	}
	c.Czxid = max(c.Czxid, turn.Stat.Czxid)
	if list {
		err := l.relook(c, turn.Names)
		if err != nil || c.view.pred != pred || !l.lastBlocker(c.view) {
			if turn.Watch != nil {
				turn.Watch.Stop()
			}
			return false, err
		}
		turn.Names = nil // as in join
	}
	if turn.Watch != nil {
		c.blocker.waitsFor(path, turn.Pred, l.whose)
		event, err := c.await(ctx, turn.Watch)
		switch {
		case err != nil:
			return false, c.blocker.Err(err)
		case event != core.NodeDeleted:
			return false, nil // a client wrote to the predecessor, which used up the watch
		}
	}
	if err := c.awaitOwn(ctx); err != nil {
		return false, err
	}
	if !turn.Lasts() {
		return false, l.list(ctx, c)
	}
	return true, nil
}

// list lists the directory and updates the view.
func (l *Queue) list(ctx context.Context, c *contender) error {
	names, _, err := c.s.Children(ctx, l.dir)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return core.ErrDeleted // the directory is gone, and our node with it
	case err != nil:
		return err
	}
	return l.relook(c, names)
}

// relook updates the view from a new list. It returns core.ErrDeleted if the
// list does not contain our node.
func (l *Queue) relook(c *contender, names []string) error {
	if !slices.Contains(names, c.Name) {
		return core.ErrDeleted
	}
	c.view = l.look(names, c.Name, c.self)
	c.blocker.goesOn(znode.Join(l.dir, c.view.first))
	return nil
}

// awaitOwn waits for the answer about our own node, if it is outstanding.
func (c *contender) awaitOwn(ctx context.Context) error {
	if c.own == nil {
		return nil
	}
	select {
	case r := <-c.own:
		return c.seen(r)
	case <-ctx.Done():
		return ctx.Err()
	case <-c.s.Done():
		return c.s.Err()
	}
}

// seen notes the answer about our own node.
func (c *contender) seen(r ownNode) error {
	c.own, c.Czxid = nil, r.czxid
	return r.err
}

// awaitPredecessor waits until the node at path is gone. It returns
// core.ErrDeleted if our own node is deleted first.
//
// The watch is set by a read of the data: unlike an exists, this leaves no
// watch if the node is already gone. After a write to the predecessor, the
// contender watches it again. If the predecessor is hidden, the session looks
// again from time to time, since servers do not send its deletion.
func (l *Queue) awaitPredecessor(ctx context.Context, c *contender, path string) error {
	for {
		pred, watch, err := c.s.SeeW(ctx, path)
		switch {
		case errors.Is(err, core.ErrNoNode):
			return nil
		case err != nil:
			return err
		}
		c.blocker.waitsFor(path, pred, l.whose)
		event, err := c.await(ctx, watch)
		switch {
		case err != nil:
			return c.blocker.Err(err)
		case event == core.NodeDeleted:
			return nil
		}
	}
}

// await waits for the watch, or for the end of our own node, of ctx or of the
// session.
func (c *contender) await(ctx context.Context, watch *core.Watch) (core.EventType, error) {
	defer watch.Stop()
	select {
	case r := <-c.own: // report a failure now, not when our turn has come
		if err := c.seen(r); err != nil {
			return 0, err
		}
		return c.await(ctx, watch)
	case <-watch.Done():
	case <-c.Gone():
	case <-ctx.Done():
	case <-c.s.Done():
	}
	// Several may have happened. A reason to give up wins over the event of the
	// watch.
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := c.s.Err(); err != nil {
		return 0, err
	}
	select {
	case <-c.Gone():
		return 0, core.ErrDeleted
	default:
		return watch.Event(), nil
	}
}
