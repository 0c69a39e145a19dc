package lock

import (
	"context"
	"strings"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/onenode"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
	"github.com/docent-go/docent/session"
)

// OneNode is the one-node lock: the contender that has created the ephemeral
// znode at the path holds it. An acquisition costs a create and a read, one
// after the other. A release costs a sync, a read and a delete. It needs
// neither a directory nor a list.
//
// A release reads which session owns the znode. If another client has deleted
// ours unnoticed, the release leaves the next holder's znode alone. One case is
// left, since ZooKeeper's delete cannot check the owner: the other client
// deletes our znode, and the next holder creates its own, both between that
// read and our delete.
//
// It is not fair, and it wakes a herd: a release wakes all waiters at once, and
// the first whose create arrives holds the lock. Every other waiter, goroutines
// of one process included, has made two requests in vain. A OneNode is for
// locks that few want at a time, or that most only try. For other locks, a
// Mutex is better.
//
// Its holds have no Guard: see session.ErrNoGuard. Use Token instead.
//
// A OneNode keeps no state of an acquisition: one value serves any number of
// goroutines, and two values with the same path exclude each other. It is safe
// for concurrent use.
type OneNode struct {
	sm      *core.Manager
	node    *onenode.Node
	path    string
	options options
}

// NewOneNode returns the one-node lock at path, which is below sm's root. It
// does no I/O. If the path cannot be used, every call on the OneNode returns
// the error.
func NewOneNode(sm *session.Manager, path string, opts ...LockOption) *OneNode {
	o := newOptions("lock.NewOneNode", opts)
	return &OneNode{
		sm:      bridge.Core(sm),
		node:    onenode.New(onenode.Config{Manager: bridge.Core(sm), Path: path, Data: o.data(), Whose: whoseAlone}),
		path:    path,
		options: o,
	}
}

// whoseAlone is whose without the path, which the error of a OneNode has already.
func whoseAlone(path string, data []byte) string {
	who := strings.TrimSuffix(whose(path, data), " at "+path)
	if who == path {
		return "a client that the znode does not name"
	}
	return who
}

// made panics for a nil OneNode. A zero one is noticed where it is used.
func (e *OneNode) made() { misuse.ZeroValue(e == nil, "or nil lock.OneNode", "lock.NewOneNode") }

// Path returns the path of the lock, which is the path of its znode.
func (e *OneNode) Path() string {
	e.made()
	return e.path
}

// Lock waits until it holds the lock. It waits through lost connections and
// ended sessions. It also waits for a znode that an earlier session of this
// process has left, until the server removes it.
//
// ctx bounds the wait, not the hold. When it ends, the error matches ctx.Err()
// and context.Cause(ctx), and a znode that Lock may have created is removed in
// the background. Other errors: session.ErrNotEphemeral; session.ErrClosed; an
// invalid path; what the server answers, such as session.ErrNoAuth if the znode
// may not be created.
//
// The caller must Release the Hold.
func (e *OneNode) Lock(ctx context.Context) (*Hold, error) {
	e.made()
	h, err := e.node.Acquire(ctx)
	if err != nil {
		return nil, core.Failed(opLock, e.path, err)
	}
	return newHold(h), nil
}

// TryLock takes the lock if it is free, and returns ErrHeld otherwise. It also
// returns ErrHeld while another goroutine of this session acquires or releases
// the lock.
//
// It does not wait for other contenders. It does wait for a server: ctx bounds
// that. The other errors are as in Lock.
func (e *OneNode) TryLock(ctx context.Context) (*Hold, error) {
	e.made()
	h, err := e.node.Try(ctx)
	if err != nil {
		return nil, core.Failed(opTryLock, e.path, asHeld(err))
	}
	return newHold(h), nil
}

// Do runs f while it holds the lock, as Mutex.Do does. ctx bounds the wait, and
// f's context ends with it.
func (e *OneNode) Do(ctx context.Context, f func(ctx context.Context, h *Hold) error) error {
	misuse.NilFunc(f == nil, "Do")
	h, err := e.Lock(ctx)
	if err != nil {
		return err
	}
	return h.do(ctx, e.path, e.options, func(ctx context.Context) error { return f(ctx, h) })
}

// Holders returns the contender that holds the lock, or none. Waiters leave no
// trace that could be listed. A persistent znode at the path keeps every
// contender out, and is session.ErrNotEphemeral, as from Lock. ctx, the other
// errors and the lag are as in Mutex.Holders.
func (e *OneNode) Holders(ctx context.Context) ([]Contender, error) {
	e.made()
	nodes, err := e.holders(ctx)
	return describeAll(nodes), core.Failed(opHolders, e.path, err)
}

// Revoke asks the holder to release the lock, and returns the contender that
// was asked. ctx bounds the requests. See the function Revoke. If the lock
// changes hands at that moment, the next holder is asked.
func (e *OneNode) Revoke(ctx context.Context) ([]Contender, error) {
	e.made()
	return revokeAll(ctx, e.sm, e.path, e.holders, describeAll)
}

func (e *OneNode) holders(ctx context.Context) ([]waitqueue.Contender, error) {
	c, found, err := e.node.Current(ctx)
	if err != nil || !found {
		return nil, err
	}
	return []waitqueue.Contender{c}, nil
}
