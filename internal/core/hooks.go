package core

import (
	"context"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/grace"
)

// Hook is any value that implements one or more of the interfaces below.
// Package session documents them and their arguments.
type Hook any

// The interfaces of hooks.
type (
	HookManager interface{ OnManager(*Manager) }
	HookState   interface{ OnState(StateChange) }
	HookOp      interface{ OnOp(OpInfo) }
	HookWait    interface {
		OnWait(ctx context.Context, w WaitInfo) (over func(WaitEnd))
	}
	HookAcquired interface{ OnAcquired(HoldInfo) }
	HookReleased interface{ OnReleased(HoldInfo) }
	HookLost     interface{ OnLost(HoldInfo) }
	HookSwept    interface{ OnSwept(SweptInfo) }
)

// The arguments of hooks.
type (
	OpInfo struct {
		Op       string
		Path     string
		Session  int64
		Duration time.Duration
		Err      error
	}
	WaitInfo struct {
		Path string
		Try  bool
	}
	WaitEnd struct {
		Waited time.Duration
		Hold   *Hold
		Err    error
	}
	HoldInfo struct {
		Path    string
		Token   int64
		Session int64
		Held    time.Duration
		Cause   error
	}
	SweptInfo struct {
		Path    string
		Session int64
		Found   bool
	}
)

// Waiting tells the hooks that a call begins to wait for a hold at path. It is
// for recipes. They call over once, with the hold or the error that the caller
// gets. Waiting never returns nil, and allocates nothing if no hook implements
// HookWait.
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
	case HookManager, HookState, HookOp, HookWait, HookAcquired, HookReleased, HookLost, HookSwept:
		return true
	}
	return false
}

// tell is notify for the hooks of a running operation. It waits for a grace
// period at most, because a hook may itself wait for that operation. For
// example, OnOp may release the hold whose Release sent the request.
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
