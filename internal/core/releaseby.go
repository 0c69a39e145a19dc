package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/misuse"
)

// ReleaseBy is Release for a hold whose node goes along with other things, or must not be
// deleted twice because others make one of the same name: remove deletes it. It is called
// at most once, after the context of the hold has ended, with nil if the hold lasted until
// then. It must end at the latest with the session. What it returns is what ReleaseBy and
// every later Release return.
//
// A hold that was lost may be another's: remove is called with the cause, to delete the
// hold's own node and nothing else, and not at all after ErrDeleted. The error says
// why the hold was lost, as that of Release does. ReleaseBy is safe for concurrent use.
func (h *Hold) ReleaseBy(remove func(lost error) error) error {
	misuse.NilFunc(remove == nil, "Hold.ReleaseBy")
	h.made()
	h.release.Do(func() {
		h.end(ErrReleased)
		cause := context.Cause(h.ctx)
		if !errors.Is(cause, ErrLost) {
			h.result = remove(nil)
			return
		}
		h.result = fmt.Errorf("%s was lost before its release: %w", h.Path(), cause)
		if errors.Is(cause, ErrDeleted) {
			return
		}
		if err := remove(cause); err != nil {
			h.result = fmt.Errorf("%w; %w", h.result, err)
		}
	})
	return h.result
}
