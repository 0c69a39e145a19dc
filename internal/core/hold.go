package core

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/once"
)

// Hold is what a process owns for as long as a node of its session stands: a
// lock, a leadership, a permit, an item. Recipes embed it in their own types.
// It is safe for concurrent use, and needs no goroutine.
//
// Its context ends before anybody else can hold the same thing: at the latest
// at the session's trust deadline, which lies before the earliest moment at
// which a server may remove the node. What it cannot do is stop the process
// that holds: one that is paused runs on for a moment after it is continued,
// until it looks at the context. Token and Guard are there for that.
type Hold struct {
	node   *Node
	token  int64
	began  time.Time
	ctx    context.Context
	cancel context.CancelCauseFunc

	counted atomic.Bool // among what the session holds
	epoch   int         // of the session, in which it was counted

	mu       sync.Mutex
	guarded  bool // a guard was given out
	handedOn bool // the node serves another hold

	release once.Once
	result  error
}

// Hold begins a hold on the node, with the fencing token that belongs to it.
// The caller has made sure that the hold is due.
//
// Hold makes sure that the session is trusted. Where a quorum has committed
// nothing of the session for a quarter of its timeout, Hold has it check the node
// first, which takes a request. ctx bounds that. When Hold fails, the node is as
// it was. Errors: ctx's; the cause with which the hold would have ended at once,
// which matches ErrLost; ErrSessionEnded.
//
// A node that is not watched yet is watched once the hold has lasted for 10 ms.
func (n *Node) Hold(ctx context.Context, token int64) (*Hold, error) {
	n.made()
	return n.HoldWatched(ctx, token, watchLate)
}

// HoldWatched is Hold with a node that is watched only once the hold has lasted
// for the given time: one that ends before costs no request for that. A
// deletion by others is noticed at the earliest then.
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

// errUntrusted ends a hold whose session is not trusted at its beginning. It
// reaches the user where a hold is handed on at the very end of the trust.
var errUntrusted = fmt.Errorf("the hold begins too late: %w", ErrTrustElapsed)

// begin begins a hold on the node. If it cannot last, it has ended already.
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

// made panics for a Hold that was not acquired.
func (h *Hold) made() {
	misuse.ZeroValue(h == nil || h.node == nil, "Hold", "a call that acquires one and returns no error")
}

func (h *Hold) info(cause error) HoldInfo {
	return HoldInfo{Path: h.Path(), Token: h.token, Session: h.node.s.ID(), Held: time.Since(h.began), Cause: cause}
}

// tellEnd tells the hooks that the hold has ended.
func (h *Hold) tellEnd() {
	cause := context.Cause(h.ctx)
	info := h.info(cause)
	if errors.Is(cause, ErrReleased) {
		notify(h.node.s.m.cfg.Hooks, func(hook HookReleased) { hook.OnReleased(info) })
		return
	}
	notify(h.node.s.m.cfg.Hooks, func(hook HookLost) { hook.OnLost(info) })
}

// Context returns a context that ends with the hold. context.Cause tells why:
// ErrReleased, or one that is ErrLost: ErrDeleted, ErrTrustElapsed,
// ErrExpired, ErrDisconnected, ErrClosed.
func (h *Hold) Context() context.Context {
	h.made()
	return h.ctx
}

// Done returns a channel that is closed when the hold ends.
func (h *Hold) Done() <-chan struct{} {
	h.made()
	return h.ctx.Done()
}

// Err returns nil while the hold lasts, and then the cause of its end.
func (h *Hold) Err() error {
	h.made()
	if h.ctx.Err() == nil {
		return nil
	}
	return context.Cause(h.ctx)
}

// Token returns the fencing token: a number greater than that of every earlier
// hold on the same path. A store that refuses writes with a token smaller than
// the greatest it has seen is safe from a holder that does not know yet that
// it is none. It is a zxid, unlike the sequence number in the node's name,
// which wraps, and begins anew when the directory is made anew.
func (h *Hold) Token() int64 {
	h.made()
	return h.token
}

// Guard returns an operation for Txn that makes the server refuse the whole
// transaction once the hold's node is gone; the error is ErrLost then. Guard
// sends nothing, and is safe for concurrent use.
//
// A node at a fixed path (Session.Claim, Session.Own) has no guard: the next
// owner's node has the same path, and a check cannot tell the two apart. The
// transaction fails with ErrNoGuard then, and does nothing.
//
// A hold whose guard was given out is not handed on within a process: a check cannot
// tell apart two holds of one node. The first Guard of a hold that was handed
// on is refused like the guard of a lost one.
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

// Deadline returns the instant up to which the hold can be trusted if no quorum
// answers any more. It moves forward as quorums do.
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
// node is gone, which takes at most as long as the session can last without a
// server; it needs no context, so that it works after the caller's has ended.
//
// It may be called any number of times, late and concurrently, and from within
// a hook (see Hook); all calls return the same. The error is nil if the hold
// lasted until the first call. Otherwise it says why the hold was lost
// (ErrLost), or why the node cannot be removed.
func (h *Hold) Release() error {
	h.made()
	h.release.Do(func() {
		h.end(ErrReleased)
		cause := context.Cause(h.ctx)
		if !errors.Is(cause, ErrDeleted) {
			if err := h.node.Remove(context.Background()); err != nil {
				h.result = fmt.Errorf("release %s: %w", h.Path(), err)
			}
		}
		if errors.Is(cause, ErrLost) {
			h.result = fmt.Errorf("%s was lost before its release: %w", h.Path(), cause)
		}
	})
	return h.result
}

// OnWrite has f called with what the hold's node holds whenever somebody is seen to have
// written into it since it was made; at once, if that has happened already. Of several
// writes in a row it may see the last alone, and one write it may see twice. It costs no
// request: a node of ours is watched, and read again after a write, in any case. f must
// not block; a later call replaces it.
func (h *Hold) OnWrite(f func(data []byte)) {
	h.made()
	h.node.OnWrite(f)
}
