package groupmembership

import (
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/standing"
)

// explained turns an error of package standing into one of package session.
func explained(err error) error {
	var other *standing.DuplicateError
	switch {
	case errors.Is(err, standing.ErrClosed):
		return core.ErrReleased
	case errors.Is(err, standing.ErrNotEphemeral):
		return core.ErrNotEphemeral
	case !errors.As(err, &other):
		return err
	case errors.Is(err, standing.ErrReplaced):
		return fmt.Errorf("%w (session 0x%x)", core.ErrReplaced, other.Session)
	}
	return fmt.Errorf("%w (session 0x%x)", core.ErrIDTaken, other.Session)
}
