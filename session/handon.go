package session

import (
	"context"
	"errors"
	"fmt"
)

// ErrGuarded is returned by core.HandOn for a hold whose Guard was given out.
var ErrGuarded = errors.New("a hold whose guard was given out cannot be handed on, since the guard would pass for the next hold: release it")

// handOn is core.HandOn.
func (h *Hold) handOn() (*Hold, error) {
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
		h.end(ErrReleased)
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
