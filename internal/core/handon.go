package core

import (
	"context"
	"errors"
	"fmt"
)

// ErrGuarded is returned by HandOn for a hold whose Guard was called.
var ErrGuarded = errors.New("a hold cannot be handed on after a call of Guard, because that guard would also pass for the next hold: release the hold")

// HandOn ends the hold as Release does, but keeps its node, and begins another
// hold on it with the same token. So within one process, a node can serve
// several holders one after the other without a request to the server. The
// context of this hold ends before the next hold begins.
//
// HandOn of a hold that is lost, or whose deadline has passed, fails with the
// error of Release, which matches ErrLost. After a Release, a HandOn or a
// Replace, it fails with an error that matches ErrReleased. If Guard was called,
// it fails with ErrGuarded, and the hold stays as it is. The next hold may be
// lost at any moment, as every hold may. Release after HandOn does nothing,
// whatever happens to the node: it returns nil, or the reason why the hold was
// lost before. HandOn is safe for concurrent use.
func (h *Hold) HandOn() (*Hold, error) {
	h.made()
	h.mu.Lock()
	if h.guarded && !h.handedOn {
		h.mu.Unlock()
		return nil, ErrGuarded
	}
	h.handedOn = true
	h.mu.Unlock()
	var next *Hold
	err := fmt.Errorf("%s cannot be handed on: %w", h.Path(), ErrReleased)
	h.release.Do(func() {
		h.endOverdue()
		h.cancel(ErrReleased)
		defer h.node.s.letGo(h) // after the next hold is counted, so that the node stays among the held nodes
		if cause := context.Cause(h.ctx); errors.Is(cause, ErrLost) {
			if !errors.Is(cause, ErrDeleted) {
				h.node.Abandon()
			}
			h.result = h.lostBefore(cause)
			err = h.result
			return
		}
		next, err = h.node.begin(h.token, watchLate), nil
	})
	return next, err
}
