package core

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/once"
)

// Hold is a lock, a leadership, a permit or an item that the process owns while
// a node of its session exists. Recipes embed it in their own types. It is safe
// for concurrent use, and needs no goroutine.
//
// Its context ends before another client can hold the same thing: at the latest
// at the session's trust deadline, which is before the earliest moment at which
// a server may remove the node. Hold cannot stop the process: a process that
// was paused may run for a moment before it checks the context. Token and Guard
// are for that case.
type Hold struct {
	node   *Node
	token  int64
	began  time.Time
	ctx    context.Context
	cancel context.CancelCauseFunc

	counted atomic.Bool // it counts among the session's holds
	epoch   int         // the session's epoch in which it was counted

	mu       sync.Mutex
	guarded  bool // Guard was called
	handedOn bool // the node serves another hold

	release once.Once
	result  error
}

// Hold begins a hold on the node, with its fencing token. The caller has
// ensured that the node gives the right to hold.
//
// Hold ensures that the session is trusted. If the newest proof is older than a
// quarter of the timeout, Hold has a quorum check the node first, which costs a
// request. ctx bounds that request. When Hold fails, the node is as it was.
// Errors: ctx's error; the cause with which the hold would have ended at once,
// which matches ErrLost; ErrSessionEnded.
//
// If the node is not watched yet, its watch is set once the hold has lasted for
// 10 ms.
func (n *Node) Hold(ctx context.Context, token int64) (*Hold, error) {
	n.made()
	return n.HoldWatched(ctx, token, watchLate)
}

// HoldWatched is Hold with a node whose watch is set once the hold has lasted
// for the given time. A shorter hold costs no request for the watch. The
// deletion of the node by another client is noticed after that time at the
// earliest.
func (n *Node) HoldWatched(ctx context.Context, token int64, after time.Duration) (*Hold, error) {
	n.made()
	for {
		if err := n.s.prove(ctx, n.path); err != nil {
			return nil, err
		}
		h := n.begin(token, after)
		err := h.Err()
		if err == nil {
			return h, nil
		}
		n.s.letGo(h)
		if !errors.Is(err, errUntrusted) {
			return nil, err
		}
	}
}

// errUntrusted ends a hold whose session is not trusted when the hold begins.
// Users get it if a hold is handed on at the very end of the trust.
var errUntrusted = fmt.Errorf("the hold begins too late: %w", ErrTrustElapsed)

// begin begins a hold on the node. If the hold cannot last, it has ended on
// return.
func (n *Node) begin(token int64, after time.Duration) *Hold {
	s := n.s
	s.mu.Lock()
	parent := s.holds
	s.mu.Unlock()
	h := &Hold{node: n, token: token, began: time.Now()}
	h.ctx, h.cancel = context.WithCancelCause(parent)
	if !s.hold(h) {
		h.cancel(errUntrusted)
	}

	n.mu.Lock()
	n.hold = h
	deleted, watched := n.deleted, n.watched
	n.watched = true
	n.mu.Unlock()
	if deleted {
		h.end(ErrDeleted)
	}
	if len(s.m.cfg.Hooks) > 0 {
		info := h.info(nil)
		info.Held = 0
		tell(s.m.cfg.Hooks, func(hook HookAcquired) { hook.OnAcquired(info) })
		context.AfterFunc(h.ctx, h.tellEnd)
	}
	switch {
	case watched || deleted:
	case after <= 0:
		s.spawn(n.watchOn)
	default:
		s.late.add(s, n, after)
	}
	return h
}

// end ends the context of the hold.
func (h *Hold) end(cause error) {
	h.cancel(cause)
	h.node.s.letGo(h)
}

// endOverdue ends the context if the deadline has passed and the session's timer
// has not fired yet. A process that continues after a pause may run the caller
// before the timer.
func (h *Hold) endOverdue() {
	if !h.node.s.trusted() {
		h.cancel(h.node.s.whyEnded(ErrTrustElapsed))
	}
}

// made panics for a Hold that was not acquired.
func (h *Hold) made() {
	misuse.ZeroValue(h == nil || h.node == nil, "Hold", "a call that acquires one and returns no error")
}

func (h *Hold) info(cause error) HoldInfo {
	return HoldInfo{Path: h.Path(), Token: h.token, Session: h.node.s.ID(), Held: time.Since(h.began), Cause: cause}
}

// tellEnd reports the end of the hold to the hooks.
func (h *Hold) tellEnd() {
	cause := context.Cause(h.ctx)
	info := h.info(cause)
	if errors.Is(cause, ErrReleased) {
		notify(h.node.s.m.cfg.Hooks, func(hook HookReleased) { hook.OnReleased(info) })
		return
	}
	notify(h.node.s.m.cfg.Hooks, func(hook HookLost) { hook.OnLost(info) })
}

// Context returns a context that ends with the hold. context.Cause returns the
// reason: ErrReleased, or an error that matches ErrLost: ErrDeleted,
// ErrTrustElapsed, ErrExpired, ErrRestored, ErrDisconnected, ErrClosed.
func (h *Hold) Context() context.Context {
	h.made()
	return h.ctx
}

// Done returns a channel that is closed when the hold ends.
func (h *Hold) Done() <-chan struct{} {
	h.made()
	return h.ctx.Done()
}

// Err returns nil while the hold lasts, and then the cause of its end. It
// compares the deadline with the clock, and ends a hold whose deadline has
// passed.
func (h *Hold) Err() error {
	h.made()
	if h.ctx.Err() == nil {
		h.endOverdue()
	}
	return context.Cause(h.ctx)
}

// Token returns the fencing token: a number greater than the tokens of all
// earlier holds on the same path. A store that refuses a token smaller than the
// greatest that it has seen is safe from an earlier holder that has not noticed
// its loss. The token is a zxid. The sequence number in the node's name is not
// suitable: it wraps, and starts again when the directory is re-created.
func (h *Hold) Token() int64 {
	h.made()
	return h.token
}

// Guard returns an operation for Txn with which the server refuses the whole
// transaction once the hold's node is gone. The error then matches ErrLost.
// Guard sends nothing, and is safe for concurrent use.
//
// A hold on a node at a fixed path (Session.Claim, Session.Own) has no guard:
// the next owner's node has the same path, and a check cannot tell the two
// nodes apart. Then the transaction fails with ErrNoGuard, and does nothing.
//
// After Guard, a hold is not handed on within the process, because a check
// cannot tell two holds of one node apart. After HandOn, every Guard of the old
// hold is refused like the guard of a lost hold.
func (h *Hold) Guard() Op {
	h.made()
	if h.node.claim != nil || h.node.owned {
		return Op{kind: noGuard, path: h.node.path}
	}
	op := CheckOp(h.node.path, AnyVersion)
	op.guard = true
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.handedOn {
		op.kind = lateGuard
	}
	h.guarded = true
	return op
}

// Deadline returns the instant until which the hold can be trusted if no quorum
// answers from now on. Each answer of a quorum may move it forward.
func (h *Hold) Deadline() time.Time {
	h.made()
	return h.node.s.TrustedUntil()
}

// Path returns the path of the hold's node.
func (h *Hold) Path() string {
	h.made()
	return h.node.path
}

// Session returns the session that the hold lives in.
func (h *Hold) Session() *Session {
	h.made()
	return h.node.s
}

// Release ends the hold: first its context, then its node. It returns when the
// node is gone. That takes at most as long as the session can last without a
// server. Release takes no context, so that it works after the end of the
// caller's context.
//
// It may be called any number of times, late and concurrently, and within a
// hook (see Hook). All calls return the same error. The error is nil if the
// hold lasted until the first call. Otherwise it is the reason why the hold was
// lost (ErrLost), or why the node cannot be deleted. A hold whose deadline has
// passed is lost, even if its context has not ended yet.
func (h *Hold) Release() error {
	h.made()
	h.release.Do(func() {
		h.endOverdue()
		h.end(ErrReleased)
		cause := context.Cause(h.ctx)
		if !errors.Is(cause, ErrDeleted) {
			if err := h.node.Remove(context.Background()); err != nil {
				h.result = Failed(opRelease, h.Path(), err)
			}
		}
		if errors.Is(cause, ErrLost) {
			h.result = h.lostBefore(cause)
		}
	})
	return h.result
}

// lostBefore returns the error of a release after the hold was lost.
func (h *Hold) lostBefore(cause error) error {
	return &OpError{opRelease, h.Path(), h.node.s.ID(), fmt.Errorf("the hold was lost before: %w", cause)}
}

// OnWrite calls f with the data of the hold's node whenever another client has
// written to it since its creation. If that has already happened, it calls f at
// once. After several writes in a row, f may get only the last data. f may be
// called twice for one write. OnWrite costs no request, because the session
// watches its nodes and reads them again after a write anyway. f must not
// block. A later call replaces f.
func (h *Hold) OnWrite(f func(data []byte)) {
	h.made()
	h.node.OnWrite(f)
}
