package zktest

import (
	"time"

	"github.com/docent-go/docent/internal/wire"
)

// quorum is the state of commits: how fast the quorum is, and the transactions
// that wait for it. Everything is guarded by Server.mu.
type quorum struct {
	delay   time.Duration
	lost    bool
	pending []*proposal // in the order of their commits
	timer   *time.Timer // for the first of pending
}

// proposal is a transaction that waits for the quorum.
type proposal struct {
	due    time.Time
	commit func()
}

// queued is a request that waits in its session, for its own commit or for the
// commit of an earlier request.
type queued struct {
	c       *conn
	act     Action
	xid     int32
	op      Op
	body    *wire.Decoder
	commits bool // the quorum has to commit it
}

// SlowQuorum makes the quorum take d for each transaction from now on: a write,
// even if it is rejected, a new session, a closeSession, the expiry of a
// session, the deletion of an empty container. Each transaction is executed,
// visible and answered d after its arrival, in the order of arrival. 0 makes
// the quorum prompt again; transactions under way keep their delay.
//
// Pings, reads, syncs and re-attachments are answered at once, as by a leader,
// and so is -127. But the requests of one session keep their order. Requests
// after an uncommitted write wait for it, pings included, also on another
// connection of the session. ZooKeeper's CommitProcessor does the same. Only an
// authentication does not wait.
//
// A session whose timeout is over ends with the commit of its expiry. Its
// connection closes at once, and its re-attachment is answered with an expiry.
// A session that has sent closeSession ends in the same way, but its connection
// stays open and its later requests are dropped.
//
// Changes made by the test through the server's methods need no quorum.
func (s *Server) SlowQuorum(d time.Duration) { s.do(func() { s.quorum.delay = d }) }

// LoseQuorum takes the quorum away, or gives it back. Without a quorum nothing
// is committed: the requests that [Server.SlowQuorum] delays get no answer.
// When the quorum is back, it commits them. [Server.Restart] loses them
// instead, as an election may.
func (s *Server) LoseQuorum(lost bool) {
	s.do(func() {
		if s.quorum.lost == lost {
			return
		}
		s.quorum.lost = lost
		if lost {
			return
		}
		due := time.Now().Add(s.quorum.delay)
		for _, p := range s.quorum.pending {
			p.due = due
		}
		s.commitDue()
	})
}

// prompt reports whether transactions are committed at once.
func (q *quorum) prompt() bool { return !q.lost && q.delay <= 0 && len(q.pending) == 0 }

// propose commits a transaction as soon as the quorum has it, possibly now. The
// caller holds mu.
func (s *Server) propose(commit func()) {
	q := &s.quorum
	if q.prompt() {
		commit()
		return
	}
	q.pending = append(q.pending, &proposal{due: time.Now().Add(q.delay), commit: commit})
	s.awaitQuorum()
}

// awaitQuorum sets the timer for the next commit. The caller holds mu.
func (s *Server) awaitQuorum() {
	q := &s.quorum
	if q.lost || len(q.pending) == 0 {
		return
	}
	wait := time.Until(q.pending[0].due)
	if q.timer == nil {
		q.timer = time.AfterFunc(wait, func() { s.do(s.commitDue) })
		return
	}
	q.timer.Reset(wait)
}

// commitDue commits the transactions whose delay has passed, in order. The
// caller holds mu.
func (s *Server) commitDue() {
	q := &s.quorum
	if q.lost || s.frozen.shut() {
		return
	}
	now := time.Now()
	for len(q.pending) > 0 && !q.pending[0].due.After(now) {
		p := q.pending[0]
		q.pending = q.pending[1:]
		p.commit()
	}
	s.awaitQuorum()
}

// forgetProposals loses the uncommitted transactions. The caller holds mu.
func (s *Server) forgetProposals() {
	s.quorum.pending = nil
	for _, sess := range s.sessions {
		sess.queue, sess.closing = nil, false
	}
}

// enqueue queues a request that has to wait: the quorum has to commit it, or an
// earlier request of its session. It reports false if the request runs at once.
// The caller holds mu.
func (c *conn) enqueue(act Action, xid int32, op Op, d *wire.Decoder) bool {
	if c.sess == nil || c.old != nil || c.atOnce(op) {
		return false
	}
	s, sess := c.s, c.sess
	commits := act.kind != actFail && needsQuorum(op) && s.supports(op) && !s.quorum.prompt()
	if !commits && len(sess.queue) == 0 {
		return false
	}
	sess.queue = append(sess.queue, &queued{c: c, act: act, xid: xid, op: op, body: d, commits: commits})
	if commits {
		sess.closing = op == OpCloseSession
		s.propose(func() { s.drain(sess) })
	}
	return true
}

// drain runs the first request of a session, which has been committed, and the
// requests that waited for it. The caller holds mu.
func (s *Server) drain(sess *session) {
	for first := true; len(sess.queue) > 0; first = false {
		e := sess.queue[0]
		if e.commits && !first {
			return
		}
		sess.queue = sess.queue[1:]
		e.c.carryOut(e.act, e.xid, e.op, e.body)
	}
}

// end ends a session once a quorum has agreed. The caller holds mu.
func (s *Server) end(sess *session) {
	if sess.closing {
		return
	}
	sess.closing = true
	if sess.conn != nil {
		s.hangUp(sess.conn)
	}
	s.propose(func() {
		if s.sessions[sess.id] == sess {
			s.expire(sess)
		}
	})
}

// orphan detaches a connection from its requests that wait for the quorum. They
// are committed, and their answers are dropped.
func (c *conn) orphan(sess *session) {
	ghost := &conn{s: c.s, sess: sess, seq: c.seq, ids: c.ids, last: c.last, gone: true, out: newQueue(outputSize)}
	ghost.out.close()
	for _, e := range sess.queue {
		if e.c == c {
			e.c = ghost
		}
	}
}
