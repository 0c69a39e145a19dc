package standing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/core"
)

// Node is an ephemeral node that is kept standing until Close. It is safe for
// concurrent use.
type Node struct {
	cfg   Config
	state atomic.Pointer[State]

	ctx    context.Context // ends when the node is to be removed
	cancel context.CancelCauseFunc
	opened chan error    // what Open waits for
	done   chan struct{} // closed when the keeper has ended
	wake   chan struct{} // holds a token when the keeper may have something to do

	keeping // the keeper's alone

	rivalOf atomic.Int64 // the session of another process whose node is waited for; 0: none

	mu        sync.Mutex
	held      proposal   // the data with which the node stood last, or is to stand first
	proposals []proposal // later ones, oldest first
	rev       uint64     // of the newest proposal
	closers   []chan error
	over      bool
	err       error // why the keeper has ended
}

var errOpening = errors.New("the znode has not stood yet")

// Open makes the node and blocks until it stands. ctx bounds Open alone; the
// node is kept until Close, or until the Manager is closed.
//
// Errors:
//
//   - an invalid path or policy, or core.ErrTooLarge;
//   - ctx's error, with core.ErrUnreachable if there was no session;
//   - core.ErrIDTaken, core.ErrNotEphemeral, core.ErrClosed;
//   - what a server answers, such as core.ErrNoAuth.
//
// If Open fails, no node is left. If the outcome of the create is unknown, the
// node is looked for and removed in the background.
func Open(ctx context.Context, cfg Config) (*Node, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	n := &Node{
		cfg:     cfg,
		opened:  make(chan error, 1),
		done:    make(chan struct{}),
		wake:    make(chan struct{}, 1),
		held:    proposal{rev: 1, data: bytes.Clone(cfg.Data)},
		rev:     1,
		keeping: keeping{opening: true},
	}
	n.ctx, n.cancel = context.WithCancelCause(context.Background())
	n.state.Store(&State{Err: errOpening, Path: cfg.Path, next: make(chan struct{})})
	if _, err := cfg.Manager.Session(ctx); err != nil { // its error says why there is no session
		n.cancel(err)
		return nil, err
	}
	if !cfg.Sequential {
		if err := n.claimFirst(ctx); err != nil {
			n.cancel(err)
			return nil, err
		}
	}
	go n.keep()
	var err error
	select {
	case err = <-n.opened:
	case <-ctx.Done():
		err = n.waitEnded(ctx)
	}
	if err == nil && ctx.Err() != nil { // an ended ctx has precedence over a node that stands
		err = ctxend.Err(ctx)
	}
	if err != nil {
		n.cancel(err)
		return nil, err
	}
	return n, nil
}

// waitEnded returns the error of an Open whose ctx has ended.
func (n *Node) waitEnded(ctx context.Context) error {
	err := ctxend.Err(ctx)
	if holder := n.rivalOf.Load(); holder != 0 && err != nil {
		return fmt.Errorf("waiting for the id, which session %v holds: %w", core.SessionID(holder), err)
	}
	return err
}

// Done returns a channel that is closed at the end of the node: once it has
// been removed after Close, or when the Manager is closed.
func (n *Node) Done() <-chan struct{} { return n.done }

// Err returns nil until Done, and then core.ErrReleased or
// core.ErrClosed.
func (n *Node) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

// gone is the error of a call on a closed node. The caller holds mu.
func (n *Node) gone() error {
	if n.err != nil {
		return n.err
	}
	return context.Cause(n.ctx)
}

// Close removes the node. It returns when the node is deleted, or when its
// session has ended, which deletes the node too.
//
// ctx bounds the wait alone: the removal continues without it. If a server
// refuses the removal, Close returns that error. The removal is tried again
// after pauses, and at once by another Close. An error is always the result of
// an attempt that began after the call.
func (n *Node) Close(ctx context.Context) error {
	told := make(chan error, 1)
	n.mu.Lock()
	if n.over {
		n.mu.Unlock()
		return nil
	}
	n.closers = append(n.closers, told)
	n.mu.Unlock()
	n.rouse()
	n.cancel(core.ErrReleased)
	select {
	case err := <-told:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the removal continues in the background: %w", ctxend.Err(ctx))
	}
}

// rouse wakes the keeper to check for work.
func (n *Node) rouse() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// asked returns how many calls of Close wait for the next attempt to remove the
// node. A later Close rouses the keeper for another attempt.
func (n *Node) asked() int {
	select {
	case <-n.wake:
	default:
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.closers)
}

// tellClosers answers the first n waiting calls of Close.
func (n *Node) tellClosers(first int, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, told := range n.closers[:first] {
		told <- err
	}
	n.closers = n.closers[first:]
}

// tellOpen answers Open, once.
func (n *Node) tellOpen(err error) {
	if n.opening {
		n.opening = false
		n.opened <- err
	}
}

// end is the keeper's last act.
func (n *Node) end(why error) {
	n.away(why)
	if !n.cfg.Sequential {
		n.unclaim(n.cfg.Path)
	}
	n.mu.Lock()
	n.over, n.err = true, why
	n.mu.Unlock()
	n.cancel(why)
	close(n.done)
	n.tellOpen(why)
	n.refuse(everyone, why)
	n.tellClosers(n.asked(), nil)
}

// reason is the text of an error without the session, which changes.
func reason(err error) string {
	var op *core.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}
