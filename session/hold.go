package session

import (
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/core"
)

// Hold is what a process owns while a znode of its session exists: a lock, a
// leadership, a partition. Recipes make holds. A Hold is safe for concurrent
// use, and needs no goroutine.
//
// The context of a hold ends before others can hold the same thing: at the
// latest when the trust deadline of the session passes. The package
// documentation lists the exceptions.
type Hold struct{ core *core.Hold }

// of returns the implementation. It panics for a Hold that no recipe has made.
func (h *Hold) of() *core.Hold {
	misuse.ZeroValue(h == nil || h.core == nil, "or nil session.Hold", "a recipe, such as a lock")
	return h.core
}

// Context returns a context that ends with the hold. context.Cause returns the
// reason: ErrReleased, or an error that matches ErrLost: ErrDeleted,
// ErrTrustElapsed, ErrExpired, ErrRestored, ErrDisconnected, ErrClosed.
func (h *Hold) Context() context.Context { return h.of().Context() }

// Done returns a channel that is closed when the hold ends.
func (h *Hold) Done() <-chan struct{} { return h.of().Done() }

// Err returns nil while the hold lasts, and then the reason of its end. It
// compares the deadline with the clock: right after a pause of the process it
// returns ErrTrustElapsed, and ends the context, before the timer does.
func (h *Hold) Err() error { return h.of().Err() }

// Token returns the fencing token: a number greater than the token of every
// earlier hold on the same path. A store that has seen a token and rejects
// writes with smaller tokens is safe from a process that has lost its hold and
// does not know it yet. The token is a zxid. The sequence number in the name of
// the znode does not serve: it wraps, and it starts again if the directory is
// deleted.
func (h *Hold) Token() int64 { return h.of().Token() }

// Guard returns an operation for Txn. It makes the server reject the whole
// transaction once the znode of the hold is gone; the error matches ErrLost
// then. Guard does no I/O.
//
// A hold on a znode at a fixed path has no guard, since the znode of the next
// holder has the same path. The transaction fails with ErrNoGuard then, and
// does nothing.
//
// A hold whose Guard was called is not handed on within the process, since both
// holds have one znode. The Guard of a hold that was handed on before its first
// Guard is rejected, as the guard of a lost hold is.
func (h *Hold) Guard() Op { return Op{h.of().Guard()} }

// Deadline returns the trust deadline: the hold ends then, unless a quorum
// answers before. Each answer of a quorum moves the deadline forward.
func (h *Hold) Deadline() time.Time { return h.of().Deadline() }

// Path returns the path of the znode of the hold.
func (h *Hold) Path() string { return h.of().Path() }

// SessionID returns the id of the session of the hold.
func (h *Hold) SessionID() ID { return ID(h.of().Session().ID()) }

// Release ends the hold: first its context, then its znode. It returns after
// the znode is gone. That takes at most as long as the session can last without
// a server. Release takes no ctx, so that it works after the ctx of its caller
// has ended.
//
// Release may be called more than once, from several goroutines and from a hook
// (see Hook); all calls return the same. The error is nil if the hold lasted
// until the first call. Otherwise the error says why the hold was lost
// (ErrLost), or why the znode cannot be removed. A hold whose deadline has
// passed is lost, even if its context has not ended yet: a process that
// continues after a pause may call Release before the timer of the deadline.
func (h *Hold) Release() error { return h.of().Release() }

// Format writes the path of the znode of the hold, and the token.
func (h *Hold) Format(f fmt.State, verb rune) {
	if h == nil || h.core == nil {
		fmt.Fprint(f, "no hold")
		return
	}
	h.core.Format(f, verb)
}
