package core

import (
	"context"
	"iter"
	"time"

	"github.com/docent-go/docent/internal/conn"
)

// ConfirmedStates is States with a stronger meaning of Connected: a quorum has
// answered on the present connection. A leader that has lost its quorum accepts
// a session and answers its reads until it notices. Then ConfirmedStates yields
// Suspended. It yields Connected once a quorum has committed a request of the
// session on that connection. A later read shows every write that was committed
// before the connection was made.
//
// The connection on which the session was opened counts as confirmed. During a
// loop over ConfirmedStates, each later connection costs the servers one check,
// which is an entry in their logs, however many loops there are. The sequence
// ends after Closed, or when ctx ends. It is safe for concurrent use.
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
			s.review() // sends the check if the connection is older than this loop
		}
		m.confirmed.relate(ctx, changes, yield)
	}
}

// tellAll publishes a state to both relays.
func (m *Manager) tellAll(change StateChange) {
	m.states.publish(change)
	m.confirmed.publish(change)
}

// tellConfirmed publishes whether a quorum has confirmed the current session's
// connection. The caller holds mu.
func (m *Manager) tellConfirmed(s *Session) {
	state := Suspended
	if s.isConfirmed() {
		state = Connected
	}
	m.confirmed.publish(StateChange{state, s.ID(), time.Now(), nil})
}

// linkProven is called by a connection of the session when a quorum has
// answered for the first time.
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

// unconfirmedIsAsked reports whether a loop over ConfirmedStates waits for the
// first answer of a quorum on the link.
func (s *Session) unconfirmedIsAsked(link *conn.Conn) bool {
	return !link.Proven() && s.m.asking.Load() > 0
}
