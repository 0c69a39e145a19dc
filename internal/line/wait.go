package line

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// ownNode is what the watched read of our own node came to.
type ownNode struct {
	czxid int64
	err   error
}

// wait is what Join does behind somebody: it waits until nobody is before it
// who keeps it waiting.
//
// While the predecessor is asked for, our own node is read and watched: that
// gives the token, compares the owner, and tells when somebody deletes the
// node under us. Nobody needs that answer before the predecessor has gone.
func (l *Line) wait(ctx context.Context, c *contender) (*session.Hold, error) {
	own := make(chan ownNode, 1)
	c.own = own
	go func() { // ends with ctx or with the session
		stat, err := c.Watch(ctx)
		own <- ownNode{stat.Czxid, err}
	}()
	for {
		if err := c.outlast(ctx, znode.Join(l.dir, c.view.pred)); err != nil {
			return nil, err
		}
		if l.free(c.view) {
			break
		}
		names, _, err := c.s.Children(ctx, l.dir)
		switch {
		case errors.Is(err, zk.ErrNoNode):
			return nil, session.ErrDeleted // the directory has gone, and our node with it
		case err != nil:
			return nil, err
		}
		if c.view = l.look(names, c.Name, c.self); c.view.before == 0 {
			break
		}
	}
	token, err := c.awaitOwn(ctx)
	if err != nil {
		return nil, err
	}
	return c.hold(ctx, token)
}

// awaitOwn waits for the answer about our own node, if it is still to come.
func (c *contender) awaitOwn(ctx context.Context) (czxid int64, err error) {
	if c.own == nil {
		return c.czxid, nil
	}
	select {
	case r := <-c.own:
		return r.czxid, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-c.s.Done():
		return 0, c.s.Err()
	}
}

// outlast waits until the node at path has gone. It returns session.ErrDeleted
// when our own goes first.
//
// The watch is set by reading the data: unlike an exists, that leaves no watch
// on a node that has gone already. A predecessor that is written to is watched
// again, and nothing else starts anew.
func (c *contender) outlast(ctx context.Context, path string) error {
	for {
		_, _, watch, err := c.s.GetW(ctx, path)
		switch {
		case errors.Is(err, zk.ErrNoNode):
			return nil
		case err != nil:
			return err
		}
		event, err := c.await(ctx, watch)
		switch {
		case err != nil:
			return fmt.Errorf("waiting behind %s: %w", path, err)
		case event == session.NodeDeleted:
			return nil
		}
	}
}

// await waits for the watch, for the end of our own node, ctx or the session.
func (c *contender) await(ctx context.Context, watch *session.Watch) (session.EventType, error) {
	defer watch.Stop()
	select {
	case r := <-c.own: // a failure is told now, and not when our turn has come
		if c.own, c.czxid = nil, r.czxid; r.err != nil {
			return 0, r.err
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
		return 0, session.ErrDeleted
	default:
		return watch.Event(), nil
	}
}
