package lock

import (
	"context"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
	"github.com/docent-go/docent/session"
)

// Contender is a holder of a lock, or a waiter, as described by its znode.
//
// Owner.ID is the text of the option ID, or what the znode of another library
// holds. Owner.Since is when the contender joined the wait queue, or took the
// lock without one. The fencing token of its Hold is at least Owner.Token. A
// downgraded reader has the token of the writer that it was, which is less.
type Contender struct {
	session.Owner
	// Mode is how a contender for an RWMutex holds the lock, or wants to.
	Mode Mode
	// Revoked says that the contender has been asked to release the lock. The
	// request has replaced what the znode held: ID, Host and PID are zero.
	Revoked bool
}

// Mode is how an RWMutex is held.
type Mode string

// The modes of an RWMutex.
const (
	ModeRead  Mode = "read"
	ModeWrite Mode = "write"
)

// Holders returns the contender that holds the lock, or none. The connected
// server may lag, so use the answer for display and tools, and not for
// decisions. The first contender may not have noticed yet that it holds the
// lock.
//
// ctx bounds the reads. Errors: ctx's; session.ErrClosed; an invalid path;
// session.ErrNoAuth if the directory may not be listed.
func (m *Mutex) Holders(ctx context.Context) ([]Contender, error) {
	m.made()
	nodes, err := m.holders(ctx)
	return describeAll(nodes), core.Failed(opHolders, m.path, err)
}

// Waiters returns the contenders that wait for the lock, in order. ctx, the
// errors and the lag are as in Holders.
func (m *Mutex) Waiters(ctx context.Context) ([]Contender, error) {
	m.made()
	nodes, err := m.line.Chosen(ctx, func(all []znode.Place) []znode.Place { return all[min(1, len(all)):] })
	return describeAll(nodes), core.Failed(opWaiters, m.path, err)
}

// What OpError.Op says of Holders and Waiters.
const (
	opHolders = "list holders"
	opWaiters = "list waiters"
)

func (m *Mutex) holders(ctx context.Context) ([]waitqueue.Contender, error) {
	return m.line.Chosen(ctx, func(all []znode.Place) []znode.Place { return all[:min(1, len(all))] })
}

func describeAll(nodes []waitqueue.Contender) []Contender {
	all := make([]Contender, len(nodes))
	for i, node := range nodes {
		all[i] = describe(node)
	}
	return all
}

func describe(node waitqueue.Contender) Contender {
	if string(node.Data) == revokeMessage {
		return Contender{Owner: owner.Of(node.Path, node.Stat), Revoked: true}
	}
	c := Contender{Owner: owner.Describe(node.Path, node.Data, node.Stat)}
	c.Hidden = node.Hidden
	return c
}
