package groupmembership

import (
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/standing"
)

// Errors, compared with errors.Is: they arrive in a *session.OpError, which
// names the operation and the member's path.
var (
	// ErrDuplicate says that another process is in the group under the id. It
	// is undisturbed.
	ErrDuplicate = errors.New("another process is in the group under this id")
	// ErrReplaced says that another process has taken our place in the group
	// (Replace).
	ErrReplaced = errors.New("another process has taken our place in the group")
	// ErrNotMember says that something stands in the member's place that
	// belongs to no session: somebody made it by hand. It is never deleted.
	ErrNotMember = errors.New("a node stands there that is no member's: delete it by hand if nobody needs it")
	// ErrLeft is why a membership is out of the group after Leave.
	ErrLeft = errors.New("the membership was given up")
)

// explained is an error of a standing node in the words of a group.
func explained(err error) error {
	var other *standing.DuplicateError
	switch {
	case errors.Is(err, standing.ErrClosed):
		return ErrLeft
	case errors.Is(err, standing.ErrNotEphemeral):
		return ErrNotMember
	case !errors.As(err, &other):
		return err
	case errors.Is(err, standing.ErrReplaced):
		return fmt.Errorf("%w (session 0x%x)", ErrReplaced, other.Session)
	}
	return fmt.Errorf("%w (session 0x%x)", ErrDuplicate, other.Session)
}

// failed says which operation failed, and where.
func failed(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &core.OpError{Op: op, Path: path, Err: explained(err)}
}
