package session

import "time"

// Hook observes a Manager. It is any value that implements one or more of
// HookState, HookOp, HookAcquired, HookReleased, HookLost and HookSwept. Hooks
// are called on the goroutine where the thing happens, from several at once:
// they must be safe for concurrent use, and must return quickly, since some
// are called from the goroutine that reads from the server.
type Hook any

// HookState is told of every change of a Manager's state, in order.
type HookState interface{ OnState(StateChange) }

// HookOp is told of every request to the server, after its answer.
type HookOp interface{ OnOp(OpInfo) }

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

func isHook(h Hook) bool {
	switch h.(type) {
	case HookState, HookOp, HookAcquired, HookReleased, HookLost, HookSwept:
		return true
	}
	return false
}

// notify calls f for each hook that implements H.
func notify[H any](hooks []Hook, f func(H)) {
	for _, hook := range hooks {
		if h, ok := hook.(H); ok {
			f(h)
		}
	}
}
