package core

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Sentinel errors. Compare with errors.Is: they arrive wrapped.
var (
	// ErrClosed is returned by every call on a Manager after Close, and is the
	// cause with which its sessions and holds end then.
	ErrClosed = lost("the session manager is closed")
	// ErrTrustElapsed is the cause with which a session ends when, for so long
	// that it may have expired, no answer has proven that it exists: no quorum
	// has committed anything of a session that holds something, or no server
	// has answered anything at all.
	ErrTrustElapsed = lost("no answer within the trust deadline proves that the session still exists")
	// ErrExpired is the cause with which a session ends when a server says
	// that it has expired, or answers for it with another session.
	ErrExpired = lost("the server has expired the session")
	// ErrDisconnected is the cause with which holds end at a disconnection
	// under the policy OnDisconnect.
	ErrDisconnected = lost("the connection was lost, and the loss policy is strict")
	// ErrDeleted is the cause with which a hold ends when its znode is gone:
	// somebody else deleted it, or a server that is still connected did when
	// it expired the session.
	ErrDeleted = lost("the znode of the hold was deleted by someone else, or with its session")
	// ErrLost matches each of the causes above: errors.Is(err, ErrLost) says
	// that a hold or a session ended without its owner's doing.
	ErrLost = errors.New("hold lost")

	// ErrReleased is the cause with which a hold's context ends at Release.
	ErrReleased = errors.New("the hold was released")

	// ErrNoGuard is returned by Txn for the Guard of a hold on a node that the
	// next holder's node cannot be told from, since both have the same path.
	ErrNoGuard = errors.New("a hold on a node at a fixed path has no guard, since the next holder's node stands at the same path: " +
		"give its token to what is written to")

	// ErrSessionEnded is returned by operations of a Session that has ended;
	// the cause is wrapped beside it. A write that was under way wraps
	// ErrUnknownOutcome too.
	ErrSessionEnded = errors.New("the session has ended")
	// ErrUnknownOutcome says of a write that it may or may not have been done:
	// its answer was lost, or the caller stopped waiting for it.
	ErrUnknownOutcome = errors.New("the outcome of the write is unknown")
	// ErrTooLarge says that a request would be larger than the server takes
	// (Config.MaxRequest). It was not sent.
	ErrTooLarge = errors.New("the request is larger than the server accepts")
	// ErrAuth is returned by Dial when the server refuses the credentials, or the
	// login by SASL fails on this side.
	ErrAuth = errors.New("the server refuses the credentials")
	// ErrUnreachable is returned by Dial, and by a Manager's operations, when
	// ctx ends before there is a session. It wraps what dialling the servers
	// failed with last.
	ErrUnreachable = errors.New("no ZooKeeper server could be reached")
	// ErrUnimplemented is what a server answers to a kind of request it does
	// not know, such as an old one to container nodes.
	ErrUnimplemented = errors.New("the server does not implement the operation")
)

// InDoubt reports whether err says of a write that its answer was lost and of
// nothing else that has ended: neither the session nor the caller's ctx. Then
// whoever asks again in the same session, after Confirm, finds out what became of
// the write. It looks at the error alone, since the session may end right
// behind it: that is what the next request then says.
func InDoubt(err error) bool {
	return errors.Is(err, ErrUnknownOutcome) && !errors.Is(err, ErrSessionEnded) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// lossCause is a cause that errors.Is also recognises as ErrLost.
type lossCause struct{ text string }

func lost(text string) error { return &lossCause{text} }

func (c *lossCause) Error() string        { return c.text }
func (c *lossCause) Is(target error) bool { return target == ErrLost }

// OpError says which operation failed, where, and in which session. It wraps
// the reason, so that errors.Is(err, ErrNoNode) and its like keep working.
type OpError struct {
	Op      string // "get", "set", "create", …
	Path    string // below the Manager's root, as the caller wrote it
	Session int64  // 0 when there was no session
	Err     error
}

func (e *OpError) Error() string {
	if e.Err == nil { // a zero one
		return fmt.Sprintf("%s %s", e.Op, e.Path)
	}
	reason := strings.TrimPrefix(e.Err.Error(), "zk: ")
	var inner *OpError
	if e.Session == 0 || errors.As(e.Err, &inner) && inner.Session == e.Session {
		return fmt.Sprintf("%s %s: %s", e.Op, e.Path, reason)
	}
	return fmt.Sprintf("%s %s: %s (session 0x%x)", e.Op, e.Path, reason, e.Session)
}

// Unwrap returns the reason.
func (e *OpError) Unwrap() error { return e.Err }

// ended is the error of an operation that a session's end cut short.
func ended(cause error) error { return fmt.Errorf("%w: %w", ErrSessionEnded, cause) }
