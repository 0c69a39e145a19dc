package core

import (
	"math"
	"time"
)

// The leader expires sessions, but a client talks to a follower. Each half
// tick, the follower reports to its leader which sessions it has heard from
// since the report before. The leader counts a session's timeout from the
// arrival of the newest report that names it. A write that a quorum commits
// does not count: the leader executes it for the follower, and notes nothing
// about the session.
//
// So a proof that the session exists does not say from when the leader counts.
// If the follower dies after the proof and before its next report, the leader
// counts from an earlier report. What the client knows is this: when it wrote
// the proof, the newest report was at most half a tick old. That report, or an
// earlier one, named the session for each request that the follower had
// answered before.
//
// The client does not know the tick. Servers grant no timeout below two ticks,
// so half a tick is at most a quarter of the timeout. A report can be late: the
// leader asks for it, and both are busy. An older request is one that was
// answered unreported sixtieths of the timeout before the proof was written,
// which leaves a sixtieth for such delays. The exploration in
// internal/testing/model shows that without them, a request that was answered
// exactly half a tick before is not certainly reported.
//
// A hello counts at once. The follower has the leader confirm or create the
// session before it answers, and the leader counts from then on. A deposed
// leader does not ask anybody. But a proof on the same connection shows that
// the server was not deposed.
const (
	unreported = 16 // half a tick as far as a client knows, and the delays between follower and leader
	reaction   = 5  // left of the timeout for the drift of clocks and for the program, before the leader can expire the session
)

// exchange is a request and its answer, as times since the base of the trust.
type exchange struct{ written, answered int64 }

// exchanges are requests of one connection, in the order of their answers. They
// begin with the hello, until so much time has passed that no proof needs it.
type exchanges []exchange

// always is the time of the answer to a hello: it is reported before every
// proof.
const always = math.MinInt64

// begin begins a connection.
func (e *exchanges) begin(helloAt int64) { *e = append((*e)[:0], exchange{helloAt, always}) }

// add notes an answered request. Of several that come within a sixtieth of the
// timeout, the last is kept.
func (e *exchanges) add(written, answered int64, timeout time.Duration) {
	list := *e
	if n := len(list); n > 1 && list[n-2].answered > answered-int64(parts(timeout, 1)) {
		list[n-1] = exchange{written, answered}
		return
	}
	// The oldest proof that may still be answered was written a timeout ago.
	oldest := 0
	for oldest+1 < len(list) && list[oldest+1].answered <= answered-int64(timeout+parts(timeout, unreported)) {
		oldest++
	}
	*e = append(append(list[:0], list[oldest:]...), exchange{written, answered})
}

// next returns from when on a proof can rely on another request than one that is
// written at the given time, or false if it knows no such request.
func (e exchanges) next(proof int64, timeout time.Duration) (reportedAt int64, known bool) {
	for _, one := range e {
		if at := one.answered + int64(parts(timeout, unreported)); one.answered != always && at > proof {
			return at, true
		}
	}
	return 0, false
}

// reported returns when the newest request was written that had certainly been
// reported to the leader when a proof was written. It returns false if it does
// not know one.
func (e exchanges) reported(proof int64, timeout time.Duration) (written int64, known bool) {
	for _, one := range e {
		if one.answered > proof-int64(parts(timeout, unreported)) {
			break
		}
		written, known = one.written, true
	}
	return written, known
}

// provenBy returns until when a proof that is written at the given time lets the
// session be trusted, or false if that is not known. The caller holds trust.mu.
func (s *Session) provenBy(written int64, timeout time.Duration) (until int64, known bool) {
	reported, known := s.trust.heard.reported(written, timeout)
	afterReport := timeout - min(s.m.cfg.margin(timeout), parts(timeout, reaction))
	return min(written+int64(s.window(timeout)), reported+int64(afterReport)), known
}

// renewable returns what a probe that is written now makes of proven, and when a
// later one makes more of it; zero times if that is not known. The caller holds
// mu.
func (s *Session) renewable(now time.Time) (until, better time.Time) {
	s.trust.mu.Lock()
	defer s.trust.mu.Unlock()
	at := int64(now.Sub(s.trust.base))
	if d, known := s.provenBy(at, s.timeout); known {
		until = s.trust.until(d)
	}
	if next, known := s.trust.heard.next(at, s.timeout); known {
		better = s.trust.until(next)
	}
	return until, better
}

// probeDue returns when holds need a probe: when the newest proof or the sight of
// a held node is older than old sixtieths of the timeout, or while another
// server can still answer before the deadline. A probe that hardly moves the
// deadline waits until it does, or until what it renews is stale. probeDue also
// returns when to look again if that is later than now. The caller holds mu.
func (s *Session) probeDue(now time.Time, old time.Duration) (due, again time.Time) {
	written, deadline := s.renewed(), s.trust.until(s.trust.proven.Load())
	stale := written.Add(s.stale())
	late := deadline.Add(-parts(s.timeout, abandonAfter+reserve-1))
	due = earlier(written.Add(min(parts(s.timeout, old), s.stale())), late)
	again = earlier(stale, late)
	if now.Before(due) || !now.Before(stale) {
		return due, again
	}
	until, better := s.renewable(now)
	if until.Sub(deadline) >= parts(s.timeout, probePause) {
		return due, again
	}
	if better.IsZero() {
		better = stale
	}
	better = earlier(better, stale)
	return better, better
}
