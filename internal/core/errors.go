package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/atomicfile"
)

// Sentinel errors, documented in package session. Compare with errors.Is,
// because callers get them wrapped.
var (
	ErrClosed       = lost("the session manager is closed")
	ErrTrustElapsed = lost("the session was not confirmed before its trust deadline")
	ErrExpired      = lost("the server has expired the session")
	ErrRestored     = lost("the servers have lost what they had confirmed, as after a restore from a backup")
	ErrDisconnected = lost("the connection was lost, and the policy OnDisconnect ends holds then")
	ErrDeleted      = lost("the znode of the hold is gone: another client has deleted it, or its session has ended")
	ErrLost         = errors.New("hold lost")

	ErrReleased = errors.New("released by its owner")
	ErrNoGuard  = errors.New("a hold on a znode at a fixed path has no guard, because the next holder's znode has the same path: " +
		"pass the hold's token with each write, and let the store reject smaller tokens")

	ErrSessionEnded   = errors.New("the session has ended")
	ErrUnknownOutcome = errors.New("the outcome of the write is unknown")
	ErrTooLarge       = errors.New("the request is larger than the server accepts")
	ErrAuth           = errors.New("the server rejects the credentials")
	ErrUnreachable    = errors.New("no ZooKeeper server could be reached")
	ErrUnimplemented  = errors.New("the server does not implement the operation")
)

// Sentinel errors of the recipes, documented in package session. Each is one
// condition, whatever recipe meets it.
var (
	ErrIDTaken      = errors.New("the id is in use")
	ErrReplaced     = errors.New("another process has put its znode in the place of this one")
	ErrNotEphemeral = errors.New("the znode is not ephemeral, so no session owns it: delete it by hand if no program needs it")
	ErrForeign      = errors.New("the znode belongs to another recipe or program")
	ErrReclaim      = errors.New("the hold is given up, and asked for again")
	ErrExposed      = errors.New("others have rights on the directory or the znode")
	ErrUnsafeFile   = atomicfile.ErrUnsafe
	ErrLeftOut      = errors.New("znodes are left out, because they are beyond a limit")
	ErrRecreated    = errors.New("the znode was created again during the write, and its new value has been replaced")
	ErrExhausted    = errors.New("the directory has used up its 2147483647 sequence numbers: " +
		"delete the directory while it is empty, and the numbers start again")
)

// Foreign returns an error that matches ErrForeign. It says what the znode is,
// in a clause such as "it holds 7 bytes", and what to do.
func Foreign(format string, args ...any) error {
	return fmt.Errorf(`%w: %s; check the path (see "docent inspect")`, ErrForeign, fmt.Sprintf(format, args...))
}

// IDTaken returns an error that matches ErrIDTaken. It says which session holds
// the id, and what to do. holder is zero if that session is not known, and ours
// says that it is a session of this process.
func IDTaken(holder int64, ours bool) error {
	if ours {
		return fmt.Errorf("%w: this process holds it%s; choose another id, or give up the first", ErrIDTaken, sessionClause(holder))
	}
	return fmt.Errorf("%w%s; choose another id, or end the process that holds it", ErrIDTaken, heldBy(holder))
}

// Replaced returns an error that matches ErrReplaced, with the session that
// holds the place now, and what to do. holder is zero if it is not known.
func Replaced(holder int64) error {
	return fmt.Errorf("%w%s; give each process an id of its own, or end one of the two", ErrReplaced, heldBy(holder))
}

// heldBy names a holder as the holder: the session at the end of an OpError is
// the caller's.
func heldBy(holder int64) string {
	if holder == 0 {
		return ""
	}
	return fmt.Sprintf(": session %v holds it", SessionID(holder))
}

func sessionClause(id int64) string {
	if id == 0 {
		return ""
	}
	return fmt.Sprintf(", in session %v", SessionID(id))
}

// ClosedError returns the error of a call on an object that its owner has closed,
// such as a value or a sequence. It matches ErrClosed, as the error of a call
// on a closed Manager does, but not ErrLost: no hold ended.
func ClosedError(what string) error { return &closed{what} }

type closed struct{ what string }

func (c *closed) Error() string        { return c.what + " is closed" }
func (c *closed) Is(target error) bool { return target == ErrClosed }

// Failed returns the error of an operation of a recipe, such as "set key", as an
// *OpError. It has the session of the request that failed. Failed returns nil
// for nil. It does not wrap an error of the same operation and path again. An
// operation begins with its verb: internal/checks/verbs has the list.
func Failed(op, path string, err error) error {
	if err == nil {
		return nil
	}
	failed := &OpError{Op: op, Path: path, Err: err}
	var inner *OpError
	if !errors.As(err, &inner) {
		return failed
	}
	if direct, ok := err.(*OpError); ok && direct.Path == path && direct.Op == op {
		return err
	}
	failed.Session = inner.Session
	return failed
}

// InDoubt reports whether err is the unknown outcome of a write, and neither
// the session nor the caller's ctx had ended. Then the caller can find out the
// outcome, with a read in the same session after Confirm. InDoubt looks only at
// the error. If the session has ended since, the next request says so.
func InDoubt(err error) bool {
	return errors.Is(err, ErrUnknownOutcome) && !errors.Is(err, ErrSessionEnded) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// lossCause is a cause that errors.Is also matches with ErrLost.
type lossCause struct{ text string }

func lost(text string) error { return &lossCause{text} }

func (c *lossCause) Error() string        { return c.text }
func (c *lossCause) Is(target error) bool { return target == ErrLost }

// OpError says which operation failed, for which path, and in which session. It
// wraps the reason, for errors.Is(err, ErrNoNode) and the like.
type OpError struct {
	Op      string // its verb first: "get", "set acl", "take from queue", …
	Path    string // relative to the Manager's root, as the caller passed it
	Session int64  // 0 if there was no session
	Err     error
}

func (e *OpError) Error() string {
	if e.Err == nil { // the zero OpError
		return fmt.Sprintf("%s %s", e.Op, e.Path)
	}
	text := fmt.Sprintf("%s %s: %s", e.Op, e.Path, e.reason())
	if e.Session != 0 {
		text += e.inSession()
	}
	return text
}

// Explain returns an error that matches err, an answer of a server, and has the
// text that an OpError has for it. It is for an answer inside a longer text.
func Explain(err error) error { return &answer{err} }

type answer struct{ err error }

func (a *answer) Error() string { return reasonText(a.err) }
func (a *answer) Unwrap() error { return a.err }

// Unwrap returns the reason.
func (e *OpError) Unwrap() error { return e.Err }

// ended returns the error of an operation that the end of a session
// interrupted.
func ended(cause error) error { return fmt.Errorf("%w: %w", ErrSessionEnded, cause) }
