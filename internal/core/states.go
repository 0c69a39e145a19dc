package core

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"
)

// State is documented in package session.
type State int

// The states of a Manager.
const (
	Connected State = iota + 1
	Suspended
	Lost
	Closed
)

// String returns the state's name in lower case.
func (s State) String() string {
	switch s {
	case Connected:
		return "connected"
	case Suspended:
		return "suspended"
	case Lost:
		return "lost"
	case Closed:
		return "closed"
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// StateChange is one transition of a Manager.
type StateChange struct {
	State   State
	Session int64 // the session of the change
	At      time.Time
	Cause   error // the reason of Lost and Closed
}

// relay delivers every state change to every subscriber, in order, and never
// drops one. Each subscriber has a queue without a bound, because a missed Lost
// could mean two leaders.
type relay struct {
	mu    sync.Mutex
	last  StateChange
	since time.Time // the time since which last is Connected, or is not
	subs  map[*subscription]struct{}
}

type subscription struct {
	queue []StateChange
	wake  chan struct{} // holds a token while queue is not empty
}

// publish appends the change to every queue, unless the state is unchanged or
// the relay has closed. It reports whether it did.
func (r *relay) publish(change StateChange) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last.State == Closed || r.last.State == change.State && r.last.Session == change.Session {
		return false
	}
	if (r.last.State == Connected) != (change.State == Connected) {
		r.since = change.At
	}
	r.last = change
	for sub := range r.subs {
		sub.push(change)
	}
	return true
}

func (s *subscription) push(change StateChange) {
	s.queue = append(s.queue, change)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// current returns the newest change.
func (r *relay) current() StateChange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// steady returns the present state, and the time since which it is Connected, or
// is another state.
func (r *relay) steady() (State, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last.State, r.since
}

// subscribe yields the present state and then every change.
func (r *relay) subscribe(ctx context.Context) iter.Seq[StateChange] {
	return func(yield func(StateChange) bool) { r.relate(ctx, r.join(), yield) }
}

// join begins a subscription. Its queue has the present state, and gets every
// later change.
func (r *relay) join() *subscription {
	sub := &subscription{wake: make(chan struct{}, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last.State != 0 {
		sub.push(r.last)
	}
	if r.subs == nil {
		r.subs = make(map[*subscription]struct{})
	}
	r.subs[sub] = struct{}{}
	return sub
}

// relate yields the changes of a subscription until Closed or the end of ctx,
// and then ends the subscription.
func (r *relay) relate(ctx context.Context, sub *subscription, yield func(StateChange) bool) {
	defer func() {
		r.mu.Lock()
		delete(r.subs, sub)
		r.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sub.wake:
		}
		r.mu.Lock()
		batch := sub.queue
		sub.queue = nil
		r.mu.Unlock()
		for _, change := range batch {
			if ctx.Err() != nil || !yield(change) || change.State == Closed {
				return
			}
		}
	}
}
