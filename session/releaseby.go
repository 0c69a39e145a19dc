package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/misuse"
)

// releaseBy is core.ReleaseBy.
func (h *Hold) releaseBy(remove func(lost error) error) error {
	misuse.NilFunc(remove == nil, "core.ReleaseBy")
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
