package lock

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/onenode"
	"github.com/docent-go/docent/session"
)

// ErrNotEphemeral is returned where the node at the path of an Exclusive
// belongs to no session: it is no holder's, nobody will remove it, and so nobody
// waits for that. The path of a Mutex or of an RWMutex is such a node.
var ErrNotEphemeral = onenode.ErrNotEphemeral

// Exclusive is the one-node lock: whoever has made the ephemeral node at the
// path holds it. An acquisition costs a create and a read, one after the other, and
// a release a sync, a read and a delete; there is no directory and no list.
//
// A release looks whose node it is, and leaves the next holder's alone where a
// stranger has deleted ours unnoticed. One case is left, since ZooKeeper cannot
// check whose node it deletes: the stranger deletes our node, and the next holder
// makes another, both between that look and the delete.
//
// It is not fair, and it wakes a herd: when the lock is released, all who wait
// are told at once, and the first whose create arrives holds it. Each of the
// others, goroutines of one process included, has made two requests in vain. It is for locks that
// few want at a time, or that most only try; for others, a Mutex is better.
//
// Its holds have no Guard: session.ErrNoGuard says why. Token is there for
// that.
//
// It keeps nothing of a single acquisition: one value serves any number of
// goroutines, and two values with the same path exclude each other. It is safe
// for concurrent use.
type Exclusive struct {
	sm      *core.Manager
	node    *onenode.Node
	path    string
	options options
}

// NewExclusive returns the one-node lock at path, which is below sm's root. It
// does no I/O; a path that cannot be used is reported by every call on the
// Exclusive.
func NewExclusive(sm *session.Manager, path string, opts ...Option) *Exclusive {
	o := newOptions("lock.NewExclusive", opts)
	return &Exclusive{
		sm:      bridge.Core(sm),
		node:    onenode.New(onenode.Config{Manager: bridge.Core(sm), Path: path, Data: o.data()}),
		path:    path,
		options: o,
	}
}

// made panics for a nil Exclusive. A zero one is noticed where it is used.
func (e *Exclusive) made() { misuse.ZeroValue(e == nil, "or nil lock.Exclusive", "lock.NewExclusive") }

// Path returns the path of the lock, which is that of its node.
func (e *Exclusive) Path() string {
	e.made()
	return e.path
}

// Lock waits until the lock is ours. It waits through lost connections and
// ended sessions, and also for the node that an earlier session of this process
// has left, until the server removes it.
//
// ctx bounds the wait, not the hold. When it ends, the error matches ctx.Err()
// and context.Cause(ctx), and what we may have made is removed in the
// background. Other errors: ErrNotEphemeral; session.ErrClosed; an invalid
// path; what the server answers, such as session.ErrNoAuth when we may not
// create the node.
//
// The caller must Release the Hold.
func (e *Exclusive) Lock(ctx context.Context) (*Hold, error) {
	e.made()
	h, err := e.node.Acquire(ctx)
	if err != nil {
		return nil, e.fail("lock", err)
	}
	return newHold(h), nil
}

// TryLock takes the lock if nobody has it, and returns ErrHeld otherwise; also
// while another goroutine of this session is at it.
//
// It waits for no other contender, but it does wait for a server: ctx bounds
// that. Errors besides ErrHeld are those of Lock.
func (e *Exclusive) TryLock(ctx context.Context) (*Hold, error) {
	e.made()
	h, err := e.node.Try(ctx)
	if errors.Is(err, line.ErrTaken) {
		err = &held{err}
	}
	if err != nil {
		return nil, e.fail("try to lock", err)
	}
	return newHold(h), nil
}

// Do runs f while it holds the lock, as Mutex.Do does.
func (e *Exclusive) Do(ctx context.Context, f func(ctx context.Context, h *Hold) error) error {
	misuse.NilFunc(f == nil, "Do")
	h, err := e.Lock(ctx)
	if err != nil {
		return err
	}
	return h.do(ctx, e.options, e.fail, func(ctx context.Context) error { return f(ctx, h) })
}

// Holders returns who holds the lock: one contender, or none. A persistent node
// at the path holds nothing and is left out, although it keeps the lock from
// everybody: Lock returns ErrNotEphemeral. Who waits leaves no trace that could
// be listed. ctx and the errors are those of Mutex.Holders, and so is the lag.
func (e *Exclusive) Holders(ctx context.Context) ([]Contender, error) {
	e.made()
	nodes, err := e.holders(ctx)
	all := describeAll(nodes)
	return slices.DeleteFunc(all, func(c Contender) bool { return c.Session == 0 && !c.Hidden }), err
}

// Revoke asks whoever holds the lock to give it up, and returns who was asked.
// See the function Revoke. If the lock changes hands at that moment, it is the
// next holder who is asked.
func (e *Exclusive) Revoke(ctx context.Context) ([]Contender, error) {
	e.made()
	return revokeAll(ctx, e.sm, e.path, e.holders, describeAll)
}

// holders is Holders with a node that is not ephemeral, which Revoke refuses.
func (e *Exclusive) holders(ctx context.Context) ([]line.Contender, error) {
	c, found, err := e.node.Current(ctx)
	if err != nil {
		return nil, e.fail("look for the holder of", err)
	}
	if !found {
		return nil, nil
	}
	return []line.Contender{c}, nil
}

func (e *Exclusive) fail(op string, err error) error {
	return fmt.Errorf("%s %s: %w", op, e.path, err)
}
