package mirror

import (
	"context"
	"slices"

	"github.com/docent-go/docent/internal/core"
)

// waiter waits for a read that shows a certain write.
type waiter struct {
	in   *core.Session
	zxid int64
	done chan struct{}
}

// Await blocks until the state is as new as a write that was answered in the
// session in, with the transaction zxid; zero if that is not known. It also
// returns when the read that would show it is refused (State.Err). ctx bounds
// the wait; the error is its own, or why the mirror has ended.
//
// A write of the own process is not taken into the copy by itself:
// the node may have been deleted since, and that may have been seen already.
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
		return context.Cause(ctx)
	case <-f.ctx.Done():
		return f.Err()
	}
}

// rouse makes the loop look whether it has something to do.
func (f *follower) rouse() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// due reports whether the loop that was roused should read.
func (f *follower) due() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting) > 0 || f.links.Load() != f.confirmed.Load()
}

// takeWaiting returns those for whom any read will do that begins now.
func (f *follower) takeWaiting() []*waiter {
	f.mu.Lock()
	defer f.mu.Unlock()
	round := f.waiting
	f.waiting = nil
	return round
}

// foreign reports whether someone in the round waits for a write of another
// session than s, which a server need not know yet.
func foreign(round []*waiter, s *core.Session) bool {
	return slices.ContainsFunc(round, func(w *waiter) bool { return w.in != s })
}

// giveBack undoes takeWaiting after a read that came to nothing.
func (f *follower) giveBack(round []*waiter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(round, f.waiting...)
}

// release wakes those whose read has settled, and those who came while it was
// under way if it shows what they wait for. For the others there is a token in
// wake.
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

// releaseAll wakes everyone at the end.
func (f *follower) releaseAll() {
	for _, w := range f.takeWaiting() {
		close(w.done)
	}
}
