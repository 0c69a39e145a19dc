package core

import (
	"context"
	"errors"
	"fmt"
)

// ErrGuarded is returned by HandOn for a hold whose Guard was given out.
var ErrGuarded = errors.New("a hold cannot be handed on after a call of Guard, because that guard would also pass for the next hold: release the hold")

// HandOn ends the hold as Release does, but leaves its node standing and begins
// another hold on it, with the same token: within one process, a node can serve
// several holders one after the other without a request to the server. The
// context of this hold has ended before that of the next begins.
//
// A hold that was lost is not handed on: the error is that of Release then, and matches
// ErrLost. One that was released, handed on or replaced before is refused with an
// error that matches ErrReleased. One whose Guard was given out stays as it is, and
// the error is ErrGuarded. The next hold may be lost at any moment, as every hold
// may. Release after HandOn does nothing, whatever has become of the node: it returns nil,
// or why the hold was lost before. HandOn is safe for concurrent use.
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
		h.cancel(ErrReleased)
		defer h.node.s.letGo(h) // once the next hold is counted: the node stays among those that are held
		if cause := context.Cause(h.ctx); errors.Is(cause, ErrLost) {
			if !errors.Is(cause, ErrDeleted) {
				h.node.Abandon()
			}
			h.result = fmt.Errorf("%s was lost before its release: %w", h.Path(), cause)
			err = h.result
			return
		}
		next, err = h.node.begin(h.token, watchLate), nil
	})
	return next, err
}
