package core

import (
	"context"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/grace"
)

// Hook observes a Manager. It is any value that implements one or more of
// HookState, HookOp, HookWait, HookAcquired, HookReleased, HookLost and HookSwept.
//
// Hooks are called from several goroutines at once, and must be safe for
// concurrent use. They must return quickly: the request or the acquisition that
// OnOp, OnAcquired or OnWait is told of returns after them. For OnOp and
// OnAcquired it waits a second at most. HookState has a goroutine of its own.
//
// A hook may call anything, since no hook is called under a lock. OnOp may even
// release the hold whose Release made the request. The inner Release then waits
// for the outer one, and both return when that second is over. Close, Leave and
// Unregister do the same.
type Hook any

// HookState is told of every change of a Manager's state, in order.
type HookState interface{ OnState(StateChange) }

// HookOp is told of every request to the server, after its answer.
type HookOp interface{ OnOp(OpInfo) }

// HookWait is told when a call begins to wait for a lock, permits or leadership.
// What OnWait returns, unless it is nil, is called once, when the wait is over.
// ctx is the caller's: it is for what travels with it, such as a span.
type HookWait interface {
	OnWait(ctx context.Context, w WaitInfo) (over func(WaitEnd))
}

// HookAcquired is told when a hold begins.
type HookAcquired interface{ OnAcquired(HoldInfo) }

// HookReleased is told when a hold ends by Release.
type HookReleased interface{ OnReleased(HoldInfo) }

// HookLost is told when a hold ends in any other way.
type HookLost interface{ OnLost(HoldInfo) }

// HookSwept is told when a node that was left behind has been removed, or has
// proved to be gone.
type HookSwept interface{ OnSwept(SweptInfo) }

// OpInfo is one request to the server. Path lies below the Manager's root.
type OpInfo struct {
	Op       string
	Path     string
	Session  int64
	Duration time.Duration
	Err      error
}

// WaitInfo is one wait for a hold at the moment it begins.
type WaitInfo struct {
	// Path is that of the lock, semaphore or election as its constructor was
	// given it, and not that of a node within it.
	Path string
	// Try says that the call asks for the hold and does not wait for others.
	Try bool
}

// WaitEnd is what became of a wait.
type WaitEnd struct {
	Waited time.Duration
	// Hold is what the call got, nil with an error. Of several permits at once
	// it is the first.
	Hold *Hold
	Err  error
}

// HoldInfo is one hold at the moment it begins or ends.
type HoldInfo struct {
	Path    string
	Token   int64
	Session int64
	// Held is how long the hold lasted; zero when it begins.
	Held time.Duration
	// Cause is why it ended; nil when it begins.
	Cause error
}

// SweptInfo is one node that was left behind. Path ends in the part of the
// name that is known when the node itself was never seen.
type SweptInfo struct {
	Path    string
	Session int64
	// Found says whether the node was there.
	Found bool
}

// Waiting tells the hooks that a call begins to wait for a hold on what lies at
// path. It is for recipes, which call over once, with the hold or the error that
// the caller gets. It never returns nil, and allocates nothing where no hook
// wants to know.
func (m *Manager) Waiting(ctx context.Context, path string, try bool) (over func(*Hold, error)) {
	m.made()
	if implemented[HookWait](m.cfg.Hooks) {
		return m.waiting(ctx, WaitInfo{path, try})
	}
	return unobserved
}

func unobserved(*Hold, error) {}

func (m *Manager) waiting(ctx context.Context, w WaitInfo) (over func(*Hold, error)) {
	began := time.Now()
	var all []func(WaitEnd)
	notify(m.cfg.Hooks, func(h HookWait) {
		if f := h.OnWait(ctx, w); f != nil {
			all = append(all, f)
		}
	})
	return func(h *Hold, err error) {
		end := WaitEnd{time.Since(began), h, err}
		for _, f := range all {
			f(end)
		}
	}
}

func isHook(h Hook) bool {
	switch h.(type) {
	case HookState, HookOp, HookWait, HookAcquired, HookReleased, HookLost, HookSwept:
		return true
	}
	return false
}

// tell is notify for the hooks of an operation under way. It waits a grace
// period at most: a hook may itself wait for that operation, as OnOp does when
// it releases the hold whose Release made the request.
func tell[H any](hooks []Hook, f func(H)) {
	if !implemented[H](hooks) {
		return
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		notify(hooks, f)
	}()
	grace.For(told)
}

// implemented reports whether a hook implements H.
func implemented[H any](hooks []Hook) bool {
	return slices.ContainsFunc(hooks, func(hook Hook) bool { _, ok := hook.(H); return ok })
}

// notify calls f for each hook that implements H.
func notify[H any](hooks []Hook, f func(H)) {
	for _, hook := range hooks {
		if h, ok := hook.(H); ok {
			f(h)
		}
	}
}
