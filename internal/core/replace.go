package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/znode"
)

// Replace ends the hold and begins another one with the same token, on a new
// ephemeral node at path that replaces this hold's node. One transaction
// deletes the old node and creates the new one: at no instant do both exist, or
// neither.
//
// The context of this hold ends with ErrReleased before any request is sent:
// once the node is gone, another client may own the same thing. So a failed
// Replace cannot be undone. Both nodes are then deleted, in the background if
// need be. Errors: ctx's, which bounds the wait; ErrLost, if the hold had ended
// or ends; the server's. If ctx has already ended or path is invalid, the hold
// stays as it is.
//
// A hold on a claim cannot be replaced, and stays as it is. After a Release or
// a Replace, a further Replace fails with an error that matches ErrReleased.
// Release after Replace does nothing: it returns nil, or the reason why the
// hold was lost before. Replace is safe for concurrent use.
func (h *Hold) Replace(ctx context.Context, path string, data []byte) (*Hold, error) {
	h.made()
	if err := znode.Validate(path); err != nil {
		return nil, h.node.s.refuse("replace", path, err)
	}
	if err := h.node.s.fits(h.node.s.createSize(h.node.s.abs(path), data)); err != nil {
		return nil, h.node.s.refuse("replace", path, err)
	}
	if h.node.claim != nil {
		return nil, h.node.s.refuse("replace", h.Path(), errClaimed)
	}
	if err := ctxend.Err(ctx); err != nil {
		return nil, err
	}
	var next *Hold
	err := fmt.Errorf("%s cannot be replaced: %w", h.Path(), ErrReleased)
	h.release.Do(func() {
		h.end(ErrReleased)
		if cause := context.Cause(h.ctx); errors.Is(cause, ErrLost) {
			h.node.Abandon()
			h.result = h.lostBefore(cause)
			err = h.result
			return
		}
		maybe, failed := h.node.replace(ctx, path, data)
		if err = failed; err != nil {
			h.node.abandonWith(path, maybe)
			return
		}
		n := &Node{s: h.node.s, path: path}
		next = n.begin(h.token, watchLate)
		if err = next.Err(); err != nil {
			n.Abandon()
		}
	})
	if err != nil {
		return nil, err
	}
	return next, nil
}

// errClaimed is the reason why a hold on a claim cannot be replaced.
var errClaimed = errors.New("a hold on a claimed znode cannot be replaced, because the claim on the path would outlive the znode: release the hold and claim again")

// replace runs the transaction, and finds out its outcome if the answer was
// lost. With an error, maybe says that the new node may exist nevertheless.
func (n *Node) replace(ctx context.Context, path string, data []byte) (maybe bool, err error) {
	s := n.s
	for try := 0; ; try++ {
		_, err := s.Txn(ctx, DeleteOp(n.path, AnyVersion), CreateOp(path, data, Ephemeral))
		switch {
		case err == nil:
			return false, nil
		case errors.Is(err, ErrNoNode):
			return false, ErrDeleted
		case !InDoubt(err):
			return errors.Is(err, ErrUnknownOutcome), err
		}
		done, looked := n.replaced(ctx, path)
		switch {
		case looked != nil:
			return true, looked
		case done:
			return false, nil
		case errors.As(err, new(*CodeError)):
			return true, err
		}
		s.sleep(ctx, try)
	}
}

// replaced reports whether the new node exists. After the check by a quorum, no
// request of an earlier connection can still be executed.
func (n *Node) replaced(ctx context.Context, path string) (bool, error) {
	at, err := n.s.settled(ctx, path)
	if err != nil {
		return false, err
	}
	if at.found && at.stat.EphemeralOwner != n.s.ID() {
		return false, ErrDeleted
	}
	return at.found, nil
}

// abandonWith deletes this node in the background, and then the new node, if it
// may exist. The order matters while the transaction that exchanges the nodes
// may still be executed: it is either executed before the first deletion, or
// refused after it.
func (n *Node) abandonWith(path string, maybe bool) {
	s := n.s
	nodes := []*Node{n}
	if maybe {
		nodes = append(nodes, &Node{s: s, path: path})
	}
	s.spawn(func() {
		for _, node := range nodes {
			if err := node.remove(); err != nil && s.ctx.Err() == nil {
				s.m.log.Warn("a znode could not be deleted: it exists until the session ends", "path", node.path, "err", err)
			}
		}
	})
}
