package config

import (
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/core"
)

// Sentinel errors. Compare with errors.Is: they arrive wrapped.
var (
	// ErrNoValue is returned by Open if the node does not exist, and neither
	// Default nor Wait is given. It matches session.ErrNoNode too.
	ErrNoValue = fmt.Errorf("there is no value yet: %w (give it a Default, or Wait for it)", core.ErrNoNode)
	// ErrClosed is returned by the methods of a Value or a Tree after its
	// Close.
	ErrClosed = errors.New("the config value is closed")
	// ErrRecreated is returned by Update if the node was deleted and created
	// again during the Update. The write, computed from the value of the old
	// node, has replaced the value of the new node.
	ErrRecreated = errors.New("the node was re-created during the update, and its new value has been replaced")
)

// BadValueError says that the value of a node does not decode or does not
// validate. It does not show the value, which may be secret.
type BadValueError struct {
	Path    string
	Version int32 // of the node
	Zxid    int64 // of the transaction that wrote the value
	Err     error // from the codec or from Validate, or their panic
}

// Error implements error.
func (e *BadValueError) Error() string {
	return fmt.Sprintf("config %s: bad value (version %d, zxid 0x%x): %v", e.Path, e.Version, e.Zxid, e.Err)
}

// Unwrap returns the reason.
func (e *BadValueError) Unwrap() error { return e.Err }
