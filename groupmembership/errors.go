package groupmembership

import (
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/standing"
)

// Errors of a group. Compare with errors.Is: they arrive in a *session.OpError,
// which names the operation and the member's path.
var (
	// ErrDuplicate says that another process is in the group under the id. That
	// process is undisturbed.
	ErrDuplicate = errors.New("another process is in the group under this id")
	// ErrReplaced says that another process has taken the member's place in the
	// group (Replace).
	ErrReplaced = errors.New("another process has taken the member's place in the group")
	// ErrNotMember says that a persistent znode, perhaps made by hand, is in
	// the member's place. It is never deleted.
	ErrNotMember = errors.New("the znode is persistent, and so not a member's: delete it by hand if no program needs it")
	// ErrLeft is the reason why a membership is out of the group after Leave.
	ErrLeft = errors.New("the member has left the group")
)

// explained turns an error of package standing into an error of a group.
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

// failed adds the operation and the path to an error. It returns nil for nil.
func failed(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &core.OpError{Op: op, Path: path, Err: explained(err)}
}
