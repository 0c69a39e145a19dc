package session

import (
	"context"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// Hook observes a Manager. It is any value that implements one or more of
// HookManager, HookState, HookOp, HookWait, HookAcquired, HookReleased, HookLost
// and HookSwept.
//
// Hooks are called from several goroutines at once, and must be safe for
// concurrent use. They must return quickly: a request returns after OnOp, an
// acquisition after OnAcquired and OnWait. It waits one second at most for OnOp
// and OnAcquired. HookState has a goroutine of its own.
//
// A hook may call everything, since no hook is called under a lock. OnOp may
// even release the hold whose Release made the request. The inner Release then
// waits for the outer one, and both return after that second. The same holds
// for Close, Leave and Unregister.
type Hook any

// HookManager is told of its Manager once, by Dial or Start, before any other
// hook is called. No session is open yet, so OnManager must not wait for a
// session. A hook can ask the Manager for its Health and Stats later.
type HookManager interface{ OnManager(*Manager) }

// HookState is told of every change of the state of a Manager, in order.
type HookState interface{ OnState(StateChange) }

// HookOp is told of every request to the server, after its answer.
type HookOp interface{ OnOp(OpInfo) }

// HookWait is told when a call begins to wait for a lock, permits or
// leadership. The function that OnWait returns is called once, at the end of
// the wait, unless it is nil. ctx is the ctx of the caller, with its values,
// such as a span.
type HookWait interface {
	OnWait(ctx context.Context, w WaitInfo) (over func(WaitEnd))
}

// HookAcquired is told when a hold begins.
type HookAcquired interface{ OnAcquired(HoldInfo) }

// HookReleased is told when a hold ends by Release.
type HookReleased interface{ OnReleased(HoldInfo) }

// HookLost is told when a hold ends in any other way.
type HookLost interface{ OnLost(HoldInfo) }

// HookSwept is told when a znode that was left behind has been removed, or has
// proved to be gone.
type HookSwept interface{ OnSwept(SweptInfo) }

// OpInfo is one request to the server. Path is below the root of the Manager.
type OpInfo struct {
	Op       string
	Path     string
	Session  ID
	Duration time.Duration
	Err      error
}

// WaitInfo is one wait for a hold at the moment it begins.
type WaitInfo struct {
	// Path is the path of the lock, semaphore or election as its constructor
	// got it, not the path of a znode within it.
	Path string
	// Try says that the call tries to get the hold and does not wait for other
	// holders.
	Try bool
}

// WaitEnd is the end of a wait.
type WaitEnd struct {
	Waited time.Duration
	// Hold is the hold that the call returns, nil with an error. Of several
	// permits at once it is the first.
	Hold *Hold
	Err  error
}

// HoldInfo is one hold at the moment it begins or ends.
type HoldInfo struct {
	Path    string
	Token   int64
	Session ID
	// Held is how long the hold lasted; zero when it begins.
	Held time.Duration
	// Cause is the reason of its end; nil when it begins.
	Cause error
}

// SweptInfo is one znode that was left behind. If the name of the znode was
// never learned, Path ends in the known part of the name.
type SweptInfo struct {
	Path    string
	Session ID
	Found   bool // the znode existed
}

// coreHooks returns the hooks of the implementation: one for each interface
// that a hook implements. A value that implements no interface is passed on,
// and Dial refuses it.
func coreHooks(hooks []Hook) []core.Hook {
	var list []core.Hook
	for _, hook := range hooks {
		before := len(list)
		if h, ok := hook.(HookManager); ok {
			list = append(list, managerHook{h})
		}
		if h, ok := hook.(HookState); ok {
			list = append(list, stateHook{h})
		}
		if h, ok := hook.(HookOp); ok {
			list = append(list, opHook{h})
		}
		if h, ok := hook.(HookWait); ok {
			list = append(list, waitHook{h})
		}
		if h, ok := hook.(HookAcquired); ok {
			list = append(list, acquiredHook{h})
		}
		if h, ok := hook.(HookReleased); ok {
			list = append(list, releasedHook{h})
		}
		if h, ok := hook.(HookLost); ok {
			list = append(list, lostHook{h})
		}
		if h, ok := hook.(HookSwept); ok {
			list = append(list, sweptHook{h})
		}
		if len(list) == before {
			list = append(list, hook)
		}
	}
	return list
}

// Each of these types adapts one interface of a hook.
type (
	managerHook  struct{ hook HookManager }
	stateHook    struct{ hook HookState }
	opHook       struct{ hook HookOp }
	waitHook     struct{ hook HookWait }
	acquiredHook struct{ hook HookAcquired }
	releasedHook struct{ hook HookReleased }
	lostHook     struct{ hook HookLost }
	sweptHook    struct{ hook HookSwept }
)

func (h managerHook) OnManager(m *core.Manager) { h.hook.OnManager(&Manager{m}) }
func (h stateHook) OnState(c core.StateChange)  { h.hook.OnState(stateChange(c)) }
func (h opHook) OnOp(i core.OpInfo) {
	h.hook.OnOp(OpInfo{i.Op, i.Path, ID(i.Session), i.Duration, i.Err})
}

func (h acquiredHook) OnAcquired(i core.HoldInfo) { h.hook.OnAcquired(holdInfo(i)) }
func (h releasedHook) OnReleased(i core.HoldInfo) { h.hook.OnReleased(holdInfo(i)) }
func (h lostHook) OnLost(i core.HoldInfo)         { h.hook.OnLost(holdInfo(i)) }
func (h sweptHook) OnSwept(i core.SweptInfo) {
	h.hook.OnSwept(SweptInfo{i.Path, ID(i.Session), i.Found})
}

func (h waitHook) OnWait(ctx context.Context, w core.WaitInfo) (over func(core.WaitEnd)) {
	f := h.hook.OnWait(ctx, WaitInfo(w))
	if f == nil {
		return nil
	}
	return func(end core.WaitEnd) { f(waitEnd(end)) }
}

func holdInfo(i core.HoldInfo) HoldInfo {
	return HoldInfo{i.Path, i.Token, ID(i.Session), i.Held, i.Cause}
}

func waitEnd(end core.WaitEnd) WaitEnd {
	public := WaitEnd{Waited: end.Waited, Err: end.Err}
	if end.Hold != nil {
		public.Hold = &Hold{end.Hold}
	}
	return public
}
