package core

import (
	"errors"
	"fmt"
	"time"
)

// standstill is a time in which this process stood still: it was stopped, or did
// not get a processor. A session knows when its timer is due. If an event comes
// much later, and the timer has not fired yet, this process certainly did not run
// in between. A suspended machine does not show: its clock stops too.
type standstill struct {
	lasted time.Duration
	until  time.Time
}

const (
	// standstillFrom is the shortest standstill that is told, in sixtieths of the
	// timeout.
	standstillFrom = 10
	// standstillTold is how long after a standstill losses are due to it. The
	// timers and the network report together when a process continues.
	standstillTold = time.Second
)

// noteStandstill notes how late the timer is. The caller holds mu.
func (s *Session) noteStandstill(now time.Time) {
	if s.trustTimer == nil || s.ctx.Err() != nil {
		return // the timer is not set
	}
	if late := now.Sub(s.reviewAt); late >= parts(s.timeout, standstillFrom) {
		s.still = standstill{late, now}
	}
}

// afterStandstill adds to the reason of a loss that this process stood still
// just before. The caller holds mu.
func (s *Session) afterStandstill(reason error) error {
	now := time.Now()
	s.noteStandstill(now)
	if s.still.lasted == 0 || now.Sub(s.still.until) > standstillTold {
		return reason
	}
	lasted := s.still.lasted.Truncate(100 * time.Millisecond)
	return Worded(fmt.Sprintf("%v: this process stood still for at least %v", reason, lasted), reason)
}

// whyEnded returns the cause of the end of the session, or of a hold whose znode
// is gone. The servers and the deadline do not know that this process stood still.
func (s *Session) whyEnded(cause error) error {
	if !errors.Is(cause, ErrTrustElapsed) && !errors.Is(cause, ErrExpired) && !errors.Is(cause, ErrDeleted) {
		return cause
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.afterStandstill(cause)
}
