package line

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/znode"
)

// ownNode is what the watched read of our own node came to.
type ownNode struct {
	czxid int64
	err   error
}

// ownLate is how long a contender waits before its own node is watched, where
// nothing depends on that. Whoever deletes the node in that time has thrown it
// out of the line, and it goes on waiting for up to so long before it lines up
// again. It does not take for its own what it has lost: see wait.
const ownLate = time.Second

// wait is what Join does behind somebody: it waits until nobody is before it
// who keeps it waiting.
//
// A contender that was deleted under us must not hold: somebody behind it may.
// So our node has to be seen once more when nobody is left before it, in one
// of two ways: the list that shows that has our node in it; or, where the end
// of the one before us is enough, our node was watched before that one went,
// and a server tells of its deletion first.
func (l *Line) wait(ctx context.Context, c *contender) (*core.Hold, error) {
	own := make(chan ownNode, 1)
	c.own = own
	ask := func() { // once; ends with the session, since a hold may need the watch when ctx has ended
		stat, err := c.Watch(context.Background())
		own <- ownNode{stat.Czxid, err}
	}
	late := time.AfterFunc(ownLate, ask)
	defer late.Stop()
	asked := false
	for {
		if !asked && (l.free(c.view) || c.Czxid == 0) {
			asked = true
			if late.Stop() {
				go ask()
			}
		}
		if err := c.outlast(ctx, znode.Join(l.dir, c.view.pred)); err != nil {
			return nil, err
		}
		if l.free(c.view) {
			break
		}
		names, _, err := c.s.Children(ctx, l.dir)
		switch {
		case errors.Is(err, core.ErrNoNode):
			return nil, core.ErrDeleted // the directory has gone, and our node with it
		case err != nil:
			return nil, err
		case !slices.Contains(names, c.Name):
			return nil, core.ErrDeleted
		}
		c.view = l.look(names, c.Name, c.self)
		switch {
		case c.view.before > 0:
			continue
		case c.Czxid != 0:
			return l.hold(ctx, c, c.Czxid)
		}
		break
	}
	if err := c.awaitOwn(ctx); err != nil {
		return nil, err
	}
	return l.hold(ctx, c, c.Czxid)
}

// awaitOwn waits for the answer about our own node, if it is still to come.
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

// seen takes the answer about our own node.
func (c *contender) seen(r ownNode) error {
	c.own, c.Czxid = nil, r.czxid
	return r.err
}

// outlast waits until the node at path has gone. It returns core.ErrDeleted
// when our own goes first.
//
// The watch is set by reading the data: unlike an exists, that leaves no watch
// on a node that has gone already. A predecessor that is written to is watched
// again, and nothing else starts anew. At a hidden predecessor the session looks
// again from time to time, since servers do not tell of its end.
func (c *contender) outlast(ctx context.Context, path string) error {
	for {
		_, watch, err := c.s.SeeW(ctx, path)
		switch {
		case errors.Is(err, core.ErrNoNode):
			return nil
		case err != nil:
			return err
		}
		event, err := c.await(ctx, watch)
		switch {
		case err != nil:
			return fmt.Errorf("waiting behind %s: %w", path, err)
		case event == core.NodeDeleted:
			return nil
		}
	}
}

// await waits for the watch, for the end of our own node, ctx or the session.
func (c *contender) await(ctx context.Context, watch *core.Watch) (core.EventType, error) {
	defer watch.Stop()
	select {
	case r := <-c.own: // a failure is told now, and not when our turn has come
		if err := c.seen(r); err != nil {
			return 0, err
		}
		return c.await(ctx, watch)
	case <-watch.Done():
	case <-c.Gone():
	case <-ctx.Done():
	case <-c.s.Done():
	}
	// Several may have happened. What ends the wait beats what could fulfil it.
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
