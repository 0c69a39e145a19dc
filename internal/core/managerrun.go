package core

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// run opens one session after the other until Close.
func (m *Manager) run(refused chan<- error) {
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.outageEnds()
	}()
	short := 0 // sessions in a row that ended soon
	for failures := 0; m.ctx.Err() == nil; {
		if short > 1 { // a server that ends each session at once is not asked for sessions without pauses
			_ = m.pauses.Wait(m.ctx, short-1)
		}
		s, err := m.open()
		if err != nil {
			failures++
			if m.ctx.Err() != nil {
				return
			}
			refuses := !errors.Is(err, ErrLost) // after a loss, the next attempt may succeed
			m.failed(target{}, err, refuses)
			if refuses {
				select { // only Dial listens, and only for the first error
				case refused <- err:
				default:
				}
			}
			_ = m.pauses.Wait(m.ctx, failures) // the end of m.ctx is noticed in the next round
			continue
		}
		failures = 0
		opened := time.Now()
		m.publish(s)
		select {
		case <-s.Done():
			if short++; time.Since(opened) >= m.pauses.Max {
				short = 0
			}
			m.unpublish(s, Lost, s.Err())
			m.retire(s)
		case <-m.ctx.Done():
			s.finish(ErrClosed)
			m.unpublish(s, Closed, ErrClosed)
			s.close()
		}
	}
}

// open returns a session that was granted and has its credentials, or the
// reason why none can be opened.
func (m *Manager) open() (*Session, error) {
	s, err := newSession(m)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(m.ctx, func() { s.end(ErrClosed) })
	select {
	case <-s.established:
		s.survey(m.ctx)
	case <-s.Done():
		err = s.Err()
	}
	if !stop() {
		err = ErrClosed
	}
	if err != nil {
		s.end(err)
		m.retire(s)
		return nil, err
	}
	return s, nil
}

// retire waits for an ended session's client in the background.
func (m *Manager) retire(s *Session) {
	m.work.Go(s.retire)
}

// publish makes s the current session.
func (m *Manager) publish(s *Session) {
	m.log.Info("session opened", "session", SessionID(s.ID()), "timeout", s.Timeout())
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current = s
	m.succeeded()
	m.outageEnds()
	if len(m.opened) == rememberedSessions {
		m.opened = slices.Delete(m.opened, 0, 1)
	}
	m.opened = append(m.opened, s.ID())
	m.states.publish(StateChange{Connected, s.ID(), time.Now(), nil})
	if !s.isConnected() { // the connection was lost before the session was published
		m.tellLink(s, Suspended)
	}
	m.tellConfirmed(s)
	m.advance()
}

// unpublish removes a session that has ended.
func (m *Manager) unpublish(s *Session, state State, cause error) {
	level := slog.LevelInfo
	if state == Lost {
		level = slog.LevelWarn
	}
	m.log.Log(context.Background(), level, "session ended", "session", SessionID(s.ID()), "state", state, "cause", cause)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current = nil
	m.outageBegins()
	m.tellAll(StateChange{state, s.ID(), time.Now(), cause})
	m.advance()
}

// advance wakes all calls that wait for the next session. The caller holds mu.
func (m *Manager) advance() {
	close(m.turn)
	m.turn = make(chan struct{})
}

// linkChanged is called by a session when its connection is opened or lost. For
// the session's first connection, it may run after publish has already reported
// the state.
func (m *Manager) linkChanged(s *Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current != s {
		return
	}
	state := Suspended
	if s.isConnected() {
		state = Connected
		m.succeeded()
	}
	m.tellLink(s, state)
	m.tellConfirmed(s)
}

// tellLink publishes the state of the current session's connection, unless it
// is already published. The caller holds mu.
func (m *Manager) tellLink(s *Session, state State) {
	if m.states.publish(StateChange{state, s.ID(), time.Now(), nil}) {
		m.log.Info("connection changed", append([]any{"session", SessionID(s.ID()), "state", state}, s.linkDetails()...)...)
	}
}
