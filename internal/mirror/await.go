package mirror

import (
	"context"
	"slices"

	"github.com/docent-go/docent/session"
)

// waiter waits for a read that shows a certain write.
type waiter struct {
	in   *session.Session
	zxid int64
	done chan struct{}
}

// Await blocks until the state is as new as a write that was answered in the
// session in, with the transaction zxid; zero if that is not known. It also
// returns when the read that would show it is refused (State.Err). ctx bounds
// the wait; the error is its own, or why the mirror has ended.
//
// A mirror does not take a write of its own process into the copy by itself:
// the node may have been deleted since, and the mirror may have seen that
// already.
func (m *Mirror) Await(ctx context.Context, in *session.Session, zxid int64) error {
	w := &waiter{in, zxid, make(chan struct{})}
	m.mu.Lock()
	m.waiting = append(m.waiting, w)
	m.mu.Unlock()
	m.rouse()
	select {
	case <-w.done:
		return m.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-m.ctx.Done():
		return m.Err()
	}
}

// followLink counts the losses of the connection, and has the node read again
// after each.
func (m *Mirror) followLink() {
	for change := range m.sm.States(m.ctx) {
		if change.State != session.Connected {
			m.links.Add(1)
			continue
		}
		m.rouse()
	}
}

// rouse makes the loop look whether it has something to do.
func (m *Mirror) rouse() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// due reports whether the loop that was roused should read.
func (m *Mirror) due() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.waiting) > 0 || m.links.Load() != m.confirmed.Load()
}

// takeWaiting returns those for whom any read will do that begins now.
func (m *Mirror) takeWaiting() []*waiter {
	m.mu.Lock()
	defer m.mu.Unlock()
	round := m.waiting
	m.waiting = nil
	return round
}

// foreign reports whether someone in the round waits for a write of another
// session than s, which a server need not know yet.
func foreign(round []*waiter, s *session.Session) bool {
	return slices.ContainsFunc(round, func(w *waiter) bool { return w.in != s })
}

// giveBack undoes takeWaiting after a read that came to nothing.
func (m *Mirror) giveBack(round []*waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = append(round, m.waiting...)
}

// release wakes those whose read has settled, and those who came while it was
// under way if it shows what they wait for. For the others there is a token in
// wake.
func (m *Mirror) release(round []*waiter) {
	for _, w := range round {
		close(w.done)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	left := m.waiting[:0]
	for _, w := range m.waiting {
		if w.zxid > 0 && w.zxid <= m.past.zxid {
			close(w.done)
			continue
		}
		left = append(left, w)
	}
	m.waiting = left
}

// releaseAll wakes everyone at the end.
func (m *Mirror) releaseAll() {
	for _, w := range m.takeWaiting() {
		close(w.done)
	}
}
