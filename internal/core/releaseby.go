package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/misuse"
)

// ReleaseBy is Release with remove in place of the deletion of the hold's node.
// It is for a node that is deleted together with others, or whose name another
// client may use again. remove is called at most once, after the end of the
// hold's context. Its argument is nil if the hold lasted until then. remove
// must end at the latest with the session. ReleaseBy and every later Release
// return its result.
//
// A lost hold may belong to another client by now. Then remove is called with
// the cause, and must delete only the hold's own node. After ErrDeleted it is
// not called. The error says why the hold was lost, like the error of Release.
// ReleaseBy is safe for concurrent use.
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
		h.result = h.lostBefore(cause)
		if errors.Is(cause, ErrDeleted) {
			return
		}
		if err := remove(cause); err != nil {
			h.result = fmt.Errorf("%w; %w", h.result, err)
		}
	})
	return h.result
}
