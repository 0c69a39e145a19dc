package core

import (
	"context"
	"iter"
	"time"

	"github.com/docent-go/docent/internal/conn"
)

// ConfirmedStates is States in which Connected means more: a quorum has answered
// on the present connection. A leader that has lost its quorum takes a session
// back, and answers its reads, until the leader notices. ConfirmedStates yields
// Suspended then, and Connected once a quorum has committed something that the
// session sent on that connection. A read after that shows every write that was
// committed before the connection was made.
//
// The connection on which the session was opened counts as confirmed. While
// somebody ranges over it, a later connection costs the servers one check, an
// entry in their logs, however many loops there are. It ends after Closed, or when
// ctx ends. It is safe for concurrent use.
func (m *Manager) ConfirmedStates(ctx context.Context) iter.Seq[StateChange] {
	m.made()
	return func(yield func(StateChange) bool) {
		m.asking.Add(1)
		defer m.asking.Add(-1)
		changes := m.confirmed.join()
		m.mu.Lock()
		s := m.current
		m.mu.Unlock()
		if s != nil {
			s.review() // which sends the check, if the connection came before this loop
		}
		m.confirmed.relate(ctx, changes, yield)
	}
}

// tellAll publishes a state that says the same to all.
func (m *Manager) tellAll(change StateChange) {
	m.states.publish(change)
	m.confirmed.publish(change)
}

// tellConfirmed tells of the current session's connection those who ask whether
// it is confirmed. The caller holds mu.
func (m *Manager) tellConfirmed(s *Session) {
	state := Suspended
	if s.isConfirmed() {
		state = Connected
	}
	m.confirmed.publish(StateChange{state, s.ID(), time.Now(), nil})
}

// linkProven is told by a connection of the session that a quorum has answered
// for the first time.
func (s *Session) linkProven() {
	s.mu.Lock()
	s.unconfirmed = 0
	s.mu.Unlock()
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.m.current == s {
		s.m.tellConfirmed(s)
	}
}

// isConfirmed reports whether a quorum has answered on the present connection.
func (s *Session) isConfirmed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link != nil && s.link.Proven()
}

// unconfirmedIsAsked reports whether somebody wants to know if the link has a
// quorum, which is not known.
func (s *Session) unconfirmedIsAsked(link *conn.Conn) bool {
	return !link.Proven() && s.m.asking.Load() > 0
}
