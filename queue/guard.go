package queue

import (
	"context"
	"fmt"

	"golang.org/x/sync/semaphore"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// guardTag names the guard's znode.
const guardTag = "guard-"

// guard is the znode that a claim's transactions check. The claim's own znode
// and the item's do not suffice. Both have names and versions that come again,
// once another consumer has the item or the directories are created again. The
// guard's name is unique, its session is the claim's, and it is deleted before
// the claim is.
type guard struct {
	turn *semaphore.Weighted // of size 1: its holder may use node
	node *core.Entry
}

func newGuard() *guard { return &guard{turn: semaphore.NewWeighted(1)} }

// Guard returns operations for session.Manager.Txn. With them, the server
// rejects the whole transaction once the claim is gone: after Ack, Release or
// Reject, after the end of the session, and once another consumer has claimed
// the item. The transaction's error is session.ErrLost then. If the item is
// acknowledged after such a transaction, the transaction is done at most once
// for the item.
//
// The first call creates a znode below the queue's guards; later calls send
// nothing. A claim with a guard costs one more request when it ends. ctx bounds
// the request and the wait for another call of Guard. Errors: ctx's;
// session.ErrLost or session.ErrReleased if the claim has ended;
// session.ErrNoAuth. Guard is safe for concurrent use.
func (i *Item) Guard(ctx context.Context) ([]session.Op, error) {
	misuse.ZeroValue(i == nil || i.q == nil, "or nil queue.Item", "Queue.Take")
	within, stop := ctxend.WithHold(ctx, &i.Hold)
	defer stop()
	path, err := i.guarded(within)
	if err != nil {
		if within.Err() != nil {
			err = ctxend.Join(within, err)
		}
		return nil, i.failed("guard", err)
	}
	// The item's version refuses the transaction if another client has deleted
	// the claim, and another consumer has claimed the item.
	return bridge.Ops([]core.Op{
		core.GuardOp(path, core.AnyVersion),
		core.GuardOp(i.itemPath(), i.version),
	}), nil
}

// guarded returns the path of the guard's znode, and creates the znode if it
// does not exist.
func (i *Item) guarded(ctx context.Context) (path string, err error) {
	if err := i.guard.turn.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer i.guard.turn.Release(1)
	if err := i.Hold.Err(); err != nil {
		return "", err
	}
	if i.guard.node == nil {
		// The end of the hold waits for the turn, and deletes the znode then.
		if i.guard.node, err = i.s.EnterUnlisted(ctx, i.q.guards, guardTag, i.who); err != nil {
			return "", err
		}
	}
	return i.guard.node.Path(), nil
}

// lastGuard returns the guard's znode, or nil. The hold has ended, so no other
// guard is created. A call of Guard that has the turn ends with the hold.
func (i *Item) lastGuard() *core.Entry {
	_ = i.guard.turn.Acquire(context.Background(), 1) // fails only if its context ends
	defer i.guard.turn.Release(1)
	return i.guard.node
}

// unguard deletes the guard's znode, or waits until the session's end does.
func (i *Item) unguard() error {
	node := i.lastGuard()
	if node == nil {
		return nil
	}
	if err := node.Remove(context.Background()); err != nil {
		return fmt.Errorf("delete the guard %s: %w", node.Path(), err)
	}
	return nil
}

// abandonGuard has the guard's znode deleted in the background.
func (i *Item) abandonGuard() {
	if node := i.lastGuard(); node != nil {
		node.Abandon()
	}
}
