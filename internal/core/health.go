package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Health is documented in package session.
type Health struct {
	State     State
	Confirmed bool
	Since     time.Time
	Session   int64
	Timeout   time.Duration
	Deadline  time.Time
	Holds     int
	Server    string
	Err       error
}

// Health returns the present health. It sends no request and does not block.
//
// From the first call on, a quorum has to confirm each connection, as in a loop
// over ConfirmedStates: a session that does not write learns nothing of a quorum
// otherwise.
func (m *Manager) Health() Health {
	m.made()
	asked := m.healthAsked.Swap(true)
	if !asked {
		m.asking.Add(1)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	h := Health{State: cmp.Or(m.states.current().State, Lost)}
	if m.current != nil {
		m.current.health(&h, !asked)
	}
	told, since := m.confirmed.steady()
	if h.Since = since; h.Confirmed != (told == Connected) {
		h.Since = time.Now() // the Manager is about to report it
	}
	if !h.Confirmed && h.Err == nil {
		h.Err = m.unhealthy(h.State)
	}
	return h
}

// health adds what a session knows. A session that has ended, or whose deadline
// has passed, is Lost, although its Manager has not reported it yet. first has
// the session send a check that is due only because of the first call of Health.
func (s *Session) health(h *Health, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, deadline := time.Now(), s.deadline()
	if s.ctx.Err() != nil || !now.Before(deadline) {
		h.State, h.Err = Lost, cmp.Or(context.Cause(s.ctx), ErrTrustElapsed)
		return
	}
	if first {
		s.reviewBy(now) // on the goroutine of the timer, because a write may block
	}
	h.Session, h.Timeout, h.Deadline, h.Holds, h.Server = s.id, s.timeout, deadline, s.held, s.server
	h.State, h.Confirmed = Suspended, s.link != nil && s.link.Proven()
	if s.link != nil {
		h.State = Connected
	}
}

// errUnconfirmed is the reason of a connection without a proof.
var errUnconfirmed = errors.New("a server is connected, and no quorum has answered on this connection yet")

// unhealthy returns why no quorum confirms a session in the state. The caller
// holds mu.
func (m *Manager) unhealthy(state State) error {
	last, before := m.fails.tell(), m.states.current().Cause
	switch {
	case state == Closed:
		return ErrClosed
	case state == Connected:
		return errUnconfirmed
	case state == Suspended && last == nil:
		return m.current.whyLost()
	case state == Suspended:
		return last
	case last == nil && before == nil:
		return ErrUnreachable
	case last == nil:
		return before
	case before == nil, errors.Is(before, ErrUnreachable):
		return fmt.Errorf("%w: %w", ErrUnreachable, last)
	}
	return fmt.Errorf("%w; the session before has ended: %w", last, before)
}
