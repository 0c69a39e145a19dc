package config

import (
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/core"
)

// Sentinel errors. Compare with errors.Is: they arrive wrapped.
var (
	// ErrNoValue is returned by Open when the node does not exist and neither
	// Default nor Wait says what to do then. It is a session.ErrNoNode too.
	ErrNoValue = fmt.Errorf("there is no value yet: %w (give it a Default, or Wait for it)", core.ErrNoNode)
	// ErrClosed is returned by the methods of a Value after its Close.
	ErrClosed = errors.New("the config value is closed")
	// ErrRecreated is returned by Update when the node was deleted and made
	// anew while Update ran, and the write, computed from the value of the
	// old node, has replaced that of the new one.
	ErrRecreated = errors.New("the node was re-created during the update, and its new value has been replaced")
)

// BadValueError says that a node holds a value that does not decode or does not
// validate. It does not show the value, which may be secret.
type BadValueError struct {
	Path    string
	Version int32 // of the node
	Zxid    int64 // of the transaction that wrote the value
	Err     error // from the codec or from Validate; a panic of theirs ends up here too
}

// Error implements error.
func (e *BadValueError) Error() string {
	return fmt.Sprintf("config %s: bad value (version %d, zxid 0x%x): %v", e.Path, e.Version, e.Zxid, e.Err)
}

// Unwrap returns the reason.
func (e *BadValueError) Unwrap() error { return e.Err }
