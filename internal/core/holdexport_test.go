package core

import (
	"context"
	"time"
)

// Vetted returns how many checked directories a session remembers.
func Vetted(s *Session) int {
	s.vetted.mu.Lock()
	defer s.vetted.mu.Unlock()
	return len(s.vetted.known)
}

// Node returns the node that the hold stands on.
func (h *Hold) Node() *Node { h.made(); return h.node }

// ListsOwn is OwnsAt for a node whose stat the server withholds.
func (s *Session) ListsOwn(ctx context.Context, path string) (bool, error) {
	s.made()
	return s.listsOwn(ctx, path)
}

// StandStill makes the session's timer late by d: so it is in a process that continues
// after a pause, until the timer fires.
func StandStill(s *Session, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reviewAt = time.Now().Add(-d)
}

// PassDeadline lets the session's trust deadline pass now, without its timer: so
// it is in a process that continues after a pause, until the timer fires.
func PassDeadline(s *Session) { s.trust.proven.Store(int64(time.Since(s.trust.base))) }
