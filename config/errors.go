package config

import (
	"fmt"

	"github.com/docent-go/docent/internal/core"
)

// Sentinel errors. Compare with errors.Is: they arrive wrapped in a
// *session.OpError. Both match session.ErrNoNode too.
var (
	// ErrNoValue is returned by Open if the znode does not exist, and neither
	// Default nor Wait is given.
	ErrNoValue error = noNode("the znode does not exist, so there is no value")
	// ErrNoRevision is returned by Rollback if the key's history does not have
	// the value.
	ErrNoRevision error = noNode("the key's history has no such value: List returns the values with their IDs")
)

// The errors for ErrNoValue. Each advises what the caller has not done yet.
var (
	errNoDefault = fmt.Errorf("%w: create it, or give a Default or Wait", ErrNoValue)
	errNotYet    = fmt.Errorf("%w: create it", ErrNoValue)
)

// noNode is an error that matches session.ErrNoNode.
type noNode string

func (e noNode) Error() string        { return string(e) }
func (e noNode) Is(target error) bool { return target == core.ErrNoNode }

// BadValueError says that the value of a znode does not decode or does not
// validate. It does not show the value, which may be secret.
type BadValueError struct {
	Path    string // of the znode, below the Manager's root
	Version int32  // of the znode
	Zxid    int64  // of the transaction that wrote the value
	Err     error  // from the codec or from Validate, or their panic
}

// Error implements error.
func (e *BadValueError) Error() string {
	return fmt.Sprintf("bad value of %s (version %d, zxid 0x%x): %v", e.Path, e.Version, e.Zxid, e.Err)
}

// badKey is the error of a key inside an error that says the key's path.
type badKey struct{ BadValueError }

func (e *badKey) Error() string {
	return fmt.Sprintf("bad value (version %d, zxid 0x%x): %v", e.Version, e.Zxid, e.Err)
}

func (e *badKey) Unwrap() error { return &e.BadValueError }

// Unwrap returns the reason.
func (e *BadValueError) Unwrap() error { return e.Err }
