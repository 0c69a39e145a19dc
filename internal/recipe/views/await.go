package views

import (
	"context"
	"slices"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/core"
)

// waiter waits for a read that shows a particular write.
type waiter struct {
	in   *core.Session
	zxid int64
	done chan struct{}
}

// Await blocks until the state is at least as new as a write that was answered
// in session in. zxid is the write's transaction, or zero if it is unknown. It
// also returns if the read that would show the write is refused (State.Err).
// ctx bounds the wait. The error is ctx's error, or the reason why the view
// has ended.
//
// The view does not copy the process's own writes into the state: another
// client may have deleted the node since, and a read may have shown that
// already.
func (f *follower) Await(ctx context.Context, in *core.Session, zxid int64) error {
	w := &waiter{in, zxid, make(chan struct{})}
	f.mu.Lock()
	f.waiting = append(f.waiting, w)
	f.mu.Unlock()
	f.rouse()
	select {
	case <-w.done:
		return f.Err()
	case <-ctx.Done():
		return ctxend.Err(ctx)
	case <-f.ctx.Done():
		return f.Err()
	}
}

// rouse makes the loop check whether it has to read.
func (f *follower) rouse() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// due reports whether the roused loop should read.
func (f *follower) due() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting) > 0 || f.links.Load() != f.confirmed.Load()
}

// takeWaiting removes and returns the waiters. Any read that begins now will do
// for them.
func (f *follower) takeWaiting() []*waiter {
	f.mu.Lock()
	defer f.mu.Unlock()
	round := f.waiting
	f.waiting = nil
	return round
}

// foreign reports whether a waiter of the round waits for a write of another
// session than s. The server of s may not know that write yet.
func foreign(round []*waiter, s *core.Session) bool {
	return slices.ContainsFunc(round, func(w *waiter) bool { return w.in != s })
}

// giveBack undoes takeWaiting after an unsuccessful read.
func (f *follower) giveBack(round []*waiter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(round, f.waiting...)
}

// release wakes the waiters of the round. It also wakes the waiters that came
// during the read, if the read shows their write. For the remaining waiters,
// wake holds a token.
func (f *follower) release(round []*waiter, zxid int64) {
	for _, w := range round {
		close(w.done)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	left := f.waiting[:0]
	for _, w := range f.waiting {
		if w.zxid > 0 && w.zxid <= zxid {
			close(w.done)
			continue
		}
		left = append(left, w)
	}
	f.waiting = left
}

// releaseAll wakes all waiters at the end.
func (f *follower) releaseAll() {
	for _, w := range f.takeWaiting() {
		close(w.done)
	}
}
