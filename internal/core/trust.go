package core

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// trust holds the two deadlines of a session, as times since base.
//
//	window  = the granted timeout − the margin
//	proven  = the earlier of
//	          when the newest request was written that a quorum has committed + window
//	          when a request was written that was reported before that one
//	          + the granted timeout − reaction (see exchanges)
//	contact = when the newest request was written that a server has answered + window
//
// In an established session, the answers on a connection count as contact only
// after its login. Otherwise a server that refuses the credentials would keep
// the session alive for ever.
//
// Only proven shows that the session exists: see wire.Reply.ProvesQuorum. A
// session with holds ends at proven. A session without holds loses nothing by a
// wrong belief. It ends at contact, so that a client that is cut off from all
// servers notices.
//
//	          Hold, with a fresh proof
//	┌──────┐ ──────────────────────────▶ ┌─────────┐ ─┐ a ping is answered, or
//	│ idle │                             │ holding │  │ a connection is new:
//	└──────┘ ◀────────────────────────── └─────────┘ ◀┘ probe the nodes that are held
//	   │          the last hold ends          │
//	   │ contact is over                      │ proven is over
//	   └─────────▶ ended: ErrTrustElapsed ◀───┘
//
// What each transition proves:
//
//   - idle → holding: a quorum has committed a request of this session that was
//     written at most a quarter of the timeout ago. The leader that has the
//     quorum cannot expire the session before proven.
//   - holding → holding: the answer to a probe, or to another write, moves
//     proven to the instant at which that request was written, plus the window.
//     It moves less far if the leader may not have heard of the session for a
//     while. A new connection moves nothing, because a deposed leader re-attaches
//     sessions too. The answer to a probe also says whether the held nodes
//     exist (see heldNode). It proves the session even if a node is missing or
//     hidden.
//   - holding → ended: dialling stops, then every hold ends, then the connections
//     are closed (see Session.end).
type trust struct {
	base    time.Time
	proven  atomic.Int64 // 0: no proof yet
	contact atomic.Int64
	written atomic.Int64 // when the request of the newest proof was written

	mu    sync.Mutex
	heard exchanges // of the present connection
}

// The times of proofs and probes, in sixtieths of the timeout. The client sends
// a ping every 20. A probe is sent directly after the answer to a ping: servers
// answer the requests of a session in order, so a slow quorum then delays no
// ping. A proof is thus 20 old when the next probe is sent, and at most 25.
// With the default margin the window is 35. With a larger margin, a probe is
// sent earlier, so that its answer has as much time.
//
// When a probe is sent after the answer to a ping, the ping before that one is
// reported. So with pings that are answered soon, each probe moves proven by the
// whole window: 20 + 35 = 60 − reaction.
const (
	renewedAfter = 5  // an older proof, or sight of a held node, is renewed after a ping
	freshFor     = 15 // the greatest age of a proof with which a hold may begin
	staleAfter   = 25 // an older proof or sight is renewed at once
	probePause   = 5  // the minimum pause between two probes on one connection
	abandonAfter = 12 // without an answer to a probe in this time, the connection is closed,
	reserve      = 3  // or this long before the deadline, so that another server may answer
)

// stale returns the age at which a proof is renewed at once: staleAfter, or
// earlier, so that a probe has its full time before the deadline. The caller
// holds mu.
func (s *Session) stale() time.Duration {
	return min(parts(s.timeout, staleAfter), s.window(s.timeout)-parts(s.timeout, abandonAfter+reserve))
}

// parts returns n sixtieths of a timeout.
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

// window returns how long a session with the timeout is trusted after a proof.
func (s *Session) window(timeout time.Duration) time.Duration {
	return timeout - s.m.cfg.margin(timeout)
}

// answered notes the answer to a request that was written at the given time, on
// a connection with the given timeout. proof says that a quorum has committed
// the request. The timer is not moved: review checks the deadline again when it
// fires.
func (s *Session) answered(at time.Time, timeout time.Duration, proof bool) {
	written := int64(at.Sub(s.trust.base))
	raise(&s.trust.contact, written+int64(s.window(timeout)))
	s.trust.mu.Lock()
	defer s.trust.mu.Unlock()
	if proof {
		if until, known := s.provenBy(written, timeout); known {
			raise(&s.trust.proven, until)
			raise(&s.trust.written, written)
		}
	}
	s.trust.heard.add(written, int64(time.Since(s.trust.base)), timeout)
}

// TrustedUntil returns the instant before which the ensemble cannot have
// expired the session, minus the margin. Each write of this session that a
// quorum commits moves it forward, unless the leader may not have heard of the
// session since an earlier write (see exchanges). A session with holds ends when
// the instant passes. The zero Time says that no write has been committed yet.
// The time has a monotonic clock reading.
func (s *Session) TrustedUntil() time.Time {
	s.made()
	d := s.trust.proven.Load()
	if d == 0 {
		return time.Time{}
	}
	return s.trust.until(d)
}

// granted processes the handshake of this session. The hello was written at
// helloAt. The handshake proves nothing.
//
// From now on, the servers use the timeout of this handshake, even if an
// earlier connection was granted a longer timeout. So the deadline may move
// backward.
//
// A hello requests the session's present timeout, so a server grants less only
// if its maxSessionTimeout is lower. From that hello on, the servers use the
// shorter timeout, even if the answer is lost and the client does not learn it.
// Then a hold can outlast the session, unless the shorter timeout is at least
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
	case less > 0: // the handshake counts only after the login
		s.trust.contact.Add(-int64(less))
	}
	s.id, s.timeout = h.Session, h.Timeout
	s.trust.mu.Lock()
	s.trust.heard.begin(int64(helloAt.Sub(s.trust.base)))
	s.trust.mu.Unlock()
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

// proofWritten returns when the request of the newest proof was written. The
// caller holds mu.
func (s *Session) proofWritten() time.Time { return s.trust.until(s.trust.written.Load()) }

// reviewBy makes review run at the given time at the latest. The caller holds
// mu.
func (s *Session) reviewBy(at time.Time) {
	if at.Before(s.reviewAt) {
		s.reviewAt = at
		s.trustTimer.Reset(time.Until(at))
	}
}

// review runs when a deadline or a probe was due. Usually that time has moved
// forward since.
func (s *Session) review() { s.reviewTrust(staleAfter) }

// pinged is called by a connection when a ping was answered.
func (s *Session) pinged() {
	s.reviewTrust(renewedAfter)
	s.checkWatches()
	s.listAgain()
}

// reviewTrust ends the session if its deadline has passed. Otherwise it sends a
// probe if one is due. ConfirmedStates needs one on an unconfirmed connection.
// Holds need one if the newest proof or the sight of a held node is stale, or
// older than old sixtieths of the timeout. Then it sets the timer to the next
// due time.
func (s *Session) reviewTrust(old time.Duration) {
	now := time.Now()
	s.mu.Lock()
	s.noteStandstill(now)
	if s.ctx.Err() != nil || s.trustTimer == nil {
		s.mu.Unlock()
		return
	}
	now = time.Now()
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
		paced := s.probedAt.Add(parts(s.timeout, probePause))
		due, stale := s.probeDue(now, old)
		switch {
		case !asked && s.held == 0:
		case asked && !now.Before(paced), s.held > 0 && !now.Before(later(paced, due)):
			link, s.probedAt = s.link, now
		case asked:
			next = earlier(next, paced)
		default:
			next = earlier(next, later(paced, stale))
		}
		if link != nil && s.held == 0 {
			// A slow quorum gets more time at each attempt.
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

// fresh reports whether the newest proof is fresh enough for a hold to begin,
// and the session is trusted.
func (s *Session) fresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trusted() && time.Since(s.proofWritten()) <= parts(s.timeout, freshFor)
}

func (s *Session) trusted() bool {
	d := s.trust.proven.Load()
	return d != 0 && time.Now().Before(s.trust.until(d))
}

// prove returns once the session has a fresh proof. Without one, it has a
// quorum check that the node at path exists, which proves the session and the
// node. If the node is missing, it returns ErrDeleted. ctx bounds the wait.
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
// commit a check of the node at path, which need not exist. A later read in the
// same session shows every write that was committed before Confirm. No request
// that the session sent on an earlier connection is executed after Confirm.
//
// Unlike Sync, it costs the servers an entry in their logs. It is repeated over
// lost connections until ctx or the session ends. Errors: ctx's;
// ErrSessionEnded; ErrTooLarge; an invalid path; a *CodeError if a server
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

// ask has a quorum check whether the node at path is missing. It goes on until
// a quorum has answered, ctx ends, or the session ends. It also ends if a
// server answers with an error that does not concern the node, or with an
// answer that cannot be read.
func (s *Session) ask(ctx context.Context, path string) (missing bool, err error) {
	if err := s.fits(wire.CheckSize(s.abs(path))); err != nil {
		return false, err
	}
	for attempt := 0; ; attempt++ {
		link, err := s.waitUp(ctx)
		if err != nil {
			return false, err
		}
		// A slow quorum gets more time at each attempt.
		wait := min(parts(s.Timeout(), abandonAfter)<<min(attempt, 3), s.Timeout())
		call := s.probe(link, wire.Check(s.abs(path)), wait, nil)
		switch fate := call.Await(ctx, s.ctx.Done()); {
		case fate == conn.Answered && call.Proves():
			return !checkFound(call.Reply()), nil
		case fate == conn.Unreadable:
			return false, call.Err()
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

// hold counts a hold that begins. It returns false if the session can no longer
// be trusted.
func (s *Session) hold(h *Hold) (trusted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.trusted() {
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
