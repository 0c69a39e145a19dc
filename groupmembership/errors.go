package groupmembership

import "github.com/docent-go/docent/internal/core"

// Errors of a group. Compare with errors.Is: they arrive in a *session.OpError,
// which names the operation and the member's path.
var (
	// ErrDuplicate says that another process is in the group under the id. That
	// process is undisturbed.
	ErrDuplicate = core.ErrIDTaken
	// ErrReplaced says that another process has taken the member's place in the
	// group (Replace).
	ErrReplaced = core.ErrReplaced
	// ErrNotMember says that a persistent znode, perhaps made by hand, is in
	// the member's place. It is never deleted.
	ErrNotMember = core.ErrNotEphemeral
	// ErrLeft is the reason why a membership is out of the group after Leave.
	ErrLeft = core.ErrReleased
)

// failed adds the operation and the path to an error. It returns nil for nil.
func failed(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &core.OpError{Op: op, Path: path, Err: err}
}
