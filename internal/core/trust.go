package core

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/internal/znode"
)

// trust holds the two deadlines of a session, as times since base.
//
//	window  = the granted timeout − the margin
//	proven  = when the newest request was written that a quorum has committed + window
//	contact = when the newest request was written that a server has answered + window
//
// Up to the end of the login the answers of a connection do not count as contact of an
// established session: a server that refuses the credentials answers for ever.
//
// Only proven says that the session exists: see wire.Reply.ProvesQuorum. A session
// that holds something ends at proven. A session that holds nothing has nothing
// to lose by a wrong belief; it ends at contact, so that a client that is cut
// off from all servers notices.
//
//	          Hold, with a fresh proof
//	┌──────┐ ──────────────────────────▶ ┌─────────┐ ─┐ a ping is answered, or
//	│ idle │                             │ holding │  │ a connection is new:
//	└──────┘ ◀────────────────────────── └─────────┘ ◀┘ probe the nodes that are held
//	   │          the last hold ends          │
//	   │ contact is over                      │ proven is over
//	   └─────────▶ ended: ErrTrustElapsed ◀───┘
//
// What each transition has proven:
//
//   - idle → holding: a quorum has committed a request of this session that was
//     written at most a quarter of the timeout ago. The leader that counts
//     cannot expire the session before proven.
//   - holding → holding: the answer to a probe, or to another write, moves proven
//     to the instant at which that request was written, plus the window. A new
//     connection moves nothing: a deposed leader re-attaches sessions. The answer to a
//     probe says whether the nodes that are held exist (see heldNode). It proves the
//     session also if one is missing or hidden.
//   - holding → ended: dialling stops, then every hold ends, then the connections
//     are closed (see Session.end).
type trust struct {
	base    time.Time
	proven  atomic.Int64 // 0: no proof yet
	contact atomic.Int64
}

// How the session cares for its trust, in sixtieths of its timeout. The client
// sends a ping each 20. A probe leaves in the wake of a ping, right behind the
// ping's answer: servers answer the requests of a session in order, and there a
// slow quorum delays no ping. So a proof is 20 old when the next probe leaves,
// and at most 25. With the default margin the window is 35. With a larger margin
// a probe leaves earlier, so that its answer has as much time.
const (
	renewedAfter = 5  // an older proof, or sight of a held node, is renewed in the wake of a ping
	freshFor     = 15 // a hold needs a proof that is not older to begin
	staleAfter   = 25 // an older one is renewed at once
	probePause   = 5  // lies between two probes on one connection
	abandonAfter = 12 // without an answer to a probe the connection is given up,
	reserve      = 3  // or this long before the deadline: another server may answer
)

// stale returns the age at which a proof is renewed at once: staleAfter, or what
// leaves a probe all its time before the deadline. The caller holds mu.
func (s *Session) stale() time.Duration {
	return min(parts(s.timeout, staleAfter), s.window(s.timeout)-parts(s.timeout, abandonAfter+reserve))
}

// parts is so many sixtieths of a timeout.
func parts(timeout time.Duration, n time.Duration) time.Duration { return timeout * n / 60 }

func (t *trust) until(deadline int64) time.Time { return t.base.Add(time.Duration(deadline)) }

// raise moves a deadline to d, if that is later.
func raise(deadline *atomic.Int64, d int64) {
	for {
		old := deadline.Load()
		if d <= old || deadline.CompareAndSwap(old, d) {
			return
		}
	}
}

// window is how long a session with the given timeout is trusted after a proof.
func (s *Session) window(timeout time.Duration) time.Duration {
	return timeout - s.m.cfg.margin(timeout)
}

// answered notes the answer to a request that was written at the given time, on
// a connection with the given timeout. proof says that a quorum has committed
// the request. The timer keeps the time that it was set to, and review looks
// again when it fires.
func (s *Session) answered(at time.Time, timeout time.Duration, proof bool) {
	d := int64(at.Add(s.window(timeout)).Sub(s.trust.base))
	raise(&s.trust.contact, d)
	if proof {
		raise(&s.trust.proven, d)
	}
}

// TrustedUntil returns the instant up to which the ensemble cannot have expired
// the session, less the margin. It moves on with each write of this session
// that a quorum commits. While the session holds something, the session ends
// when the instant passes. The zero Time says that no write has been committed
// yet. The time carries a monotonic clock reading.
func (s *Session) TrustedUntil() time.Time {
	s.made()
	d := s.trust.proven.Load()
	if d == 0 {
		return time.Time{}
	}
	return s.trust.until(d)
}

// granted takes a handshake that the server has answered with this session. The
// frame that asked for it was written at helloAt. The handshake proves nothing.
//
// From here on the servers count by the timeout that was granted now, even
// where an earlier connection was granted a longer one: the deadline may come
// nearer.
//
// A hello asks for the timeout that the session has, so a server grants less only
// if its maxSessionTimeout is lower. The servers count by the shorter timeout from
// that hello on, even where its answer is lost and the client does not learn of
// it. A hold can then outlast the session, unless the shorter timeout is at least
// the window of the longer one. So all servers of an ensemble need the same
// minSessionTimeout and maxSessionTimeout.
func (s *Session) granted(h wire.Handshake, helloAt time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	less := s.window(s.timeout) - s.window(h.Timeout)
	if less > 0 && s.trust.proven.Load() != 0 {
		s.trust.proven.Add(-int64(less))
	}
	switch {
	case !s.isEstablished():
		s.trust.contact.Store(int64(helloAt.Add(s.window(h.Timeout)).Sub(s.trust.base)))
	case less > 0: // the handshake counts when the login is through
		s.trust.contact.Add(-int64(less))
	}
	s.id, s.timeout = h.Session, h.Timeout
	if s.ctx.Err() != nil {
		return
	}
	if s.trustTimer == nil {
		s.reviewAt = s.deadline()
		s.trustTimer = time.AfterFunc(time.Until(s.reviewAt), s.review)
		return
	}
	s.reviewBy(s.deadline())
}

// deadline returns the instant at which the session ends unless an answer comes
// before. The caller holds mu.
func (s *Session) deadline() time.Time {
	if s.held > 0 {
		return s.trust.until(s.trust.proven.Load())
	}
	return s.trust.until(s.trust.contact.Load())
}

// proofWritten returns when the request was written that is the newest proof.
// The caller holds mu.
func (s *Session) proofWritten() time.Time {
	return s.trust.until(s.trust.proven.Load()).Add(-s.window(s.timeout))
}

// reviewBy makes review run at the given time at the latest. The caller holds
// mu.
func (s *Session) reviewBy(at time.Time) {
	if at.Before(s.reviewAt) {
		s.reviewAt = at
		s.trustTimer.Reset(time.Until(at))
	}
}

// review runs when a deadline or a probe was due. Either has usually moved on.
func (s *Session) review() { s.reviewTrust(staleAfter) }

// pinged is told by a connection that a ping was answered.
func (s *Session) pinged() {
	s.reviewTrust(renewedAfter)
	s.checkWatches()
}

// reviewTrust ends the session if its deadline has passed. Else it sends a probe for
// ConfirmedStates, or for what the session holds: if the newest proof, or the sight of a
// held node, is stale or older than so many sixtieths of the timeout. It sets the timer to
// what is due next.
func (s *Session) reviewTrust(old time.Duration) {
	s.mu.Lock()
	if s.ctx.Err() != nil || s.trustTimer == nil {
		s.mu.Unlock()
		return
	}
	now := time.Now()
	next := s.deadline()
	if !now.Before(next) {
		s.mu.Unlock()
		s.end(ErrTrustElapsed)
		return
	}
	var link *conn.Conn
	var round []sight
	patience := parts(s.timeout, abandonAfter)
	if s.link != nil && s.probing == 0 {
		asked := s.unconfirmedIsAsked(s.link)
		paced, written := s.probedAt.Add(parts(s.timeout, probePause)), s.renewed()
		switch {
		case !asked && s.held == 0:
		case asked && !now.Before(paced), s.held > 0 && !now.Before(later(paced, written.Add(min(parts(s.timeout, old), s.stale())))):
			link, s.probedAt = s.link, now
		case asked:
			next = earlier(next, paced)
		default:
			next = earlier(next, later(paced, written.Add(s.stale())))
		}
		if link != nil && s.held == 0 {
			// A quorum that is slow for a while is given more time at each attempt.
			patience <<= min(s.unconfirmed, 2)
			s.unconfirmed++
		}
		if link != nil {
			round = s.nextRound(now)
		}
	}
	s.reviewAt = next
	s.trustTimer.Reset(next.Sub(now))
	s.mu.Unlock()
	if link != nil {
		wait := min(patience, next.Sub(now)-parts(s.Timeout(), reserve))
		s.checkHeld(link, round, max(wait, parts(s.Timeout(), reserve)))
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// fresh reports whether a hold may begin: the newest proof is not due for
// renewal.
func (s *Session) fresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trust.proven.Load() != 0 && time.Since(s.proofWritten()) <= parts(s.timeout, freshFor)
}

// prove returns once the session has a fresh proof. Without one it has a quorum
// check that the node at path exists, which proves both. It returns ErrDeleted
// if there is no such node. ctx bounds the wait.
func (s *Session) prove(ctx context.Context, path string) error {
	for !s.fresh() {
		missing, err := s.ask(ctx, path)
		if err != nil {
			return err
		}
		if missing {
			return ErrDeleted
		}
	}
	return nil
}

// Confirm is Sync that a leader without a quorum cannot answer: it has a quorum
// commit a check of the node at path, which need not exist. A read after it, in
// the same session, sees every write that was committed before it. Nothing that
// the session sent on an earlier connection is executed after it.
//
// It costs the servers an entry in their logs, which Sync does not. It is
// repeated over lost connections until ctx or the session ends. Errors: ctx's;
// ErrSessionEnded; ErrTooLarge; an invalid path; a *CodeError with which a server
// refuses the check itself.
func (s *Session) Confirm(ctx context.Context, path string) error {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return s.refuse("confirm", path, err)
	}
	start := time.Now()
	_, err := s.ask(ctx, path)
	return s.report("confirm", path, start, err)
}

// ask has a quorum check whether the node at path is missing. It goes on until a
// quorum has answered, a server has answered with an error that says nothing of
// the node, ctx ends, or the session ends.
func (s *Session) ask(ctx context.Context, path string) (missing bool, err error) {
	if err := s.fits(wire.CheckSize(s.abs(path))); err != nil {
		return false, err
	}
	for attempt := 0; ; attempt++ {
		link, err := s.waitUp(ctx)
		if err != nil {
			return false, err
		}
		// A quorum that is slow for a while is given more time at each attempt.
		wait := min(parts(s.Timeout(), abandonAfter)<<min(attempt, 3), s.Timeout())
		call := s.probe(link, wire.Check(s.abs(path)), wait, nil)
		switch fate := call.Await(ctx, s.ctx.Done()); {
		case fate == conn.Answered && call.Proves():
			return !checkFound(call.Reply()), nil
		case fate == conn.Answered:
			if became, err := classify(call.Reply().Code); became == refused || became == open {
				return false, err
			}
		case s.over(ctx):
			return false, s.interrupted(ctx)
		}
		s.sleep(ctx, attempt)
	}
}

// hold counts a hold that begins, unless the session cannot be trusted any more.
func (s *Session) hold(h *Hold) (trusted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.trust.proven.Load(); d == 0 || !time.Now().Before(s.trust.until(d)) {
		return false
	}
	s.held++
	h.epoch = s.epoch
	s.addHeld(h.node)
	h.counted.Store(true)
	if s.ctx.Err() == nil {
		s.reviewBy(earlier(s.deadline(), s.proofWritten().Add(s.stale())))
	}
	return true
}

// letGo counts a hold that has ended.
func (s *Session) letGo(h *Hold) {
	if !h.counted.Swap(false) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.epoch == s.epoch {
		s.held--
		s.dropHeld(h.node)
	}
}
