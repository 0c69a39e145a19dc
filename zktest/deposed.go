package zktest

import "slices"

// Deposed is a leader that has lost its quorum and has not noticed yet.
// [Server.Depose] makes one. It answers from the state that it had when it was
// deposed:
//
//   - It answers pings, reads, syncs, watch requests and authentications.
//   - It re-attaches a session that it knows, and rejects a client that has
//     seen a later zxid.
//   - It commits nothing. Writes, multis, closeSession and hellos for a new
//     session get no answer, and leave no trace in the quorum.
//   - An unanswered request blocks all later requests of its session, pings
//     included, on every connection to the deposed leader: ZooKeeper's
//     CommitProcessor keeps one queue per session. Only authentications and
//     re-attachments pass it.
//   - No watch fires, because nothing changes here.
//   - A session that sends nothing for its timeout is closing. Its next frame
//     ends its connection, and its re-attachment is answered with an expiry,
//     although no quorum has agreed to the expiry.
type Deposed struct {
	s        *Server
	tree     *tree
	sessions map[int64]*session // copies without timers
}

// Depose splits the ensemble. The links stay with the present leader, which has
// lost its quorum: their connections and their later dials get the answers that
// [Deposed] describes. Everything else continues with a new leader, which is
// the server itself. The server's methods show and change the state of the
// quorum.
//
// The new leader gives each session its full timeout again, and hears nothing
// from the sessions that stay behind. It expires them unless they come back
// over another link. It commits what the quorum has not committed yet
// ([Server.SlowQuorum]), and the deposed leader does not learn of it. A link
// that is with a deposed leader already stays there. Interceptors see the
// requests of both sides; [Request.Deposed] tells them apart.
func (s *Server) Depose(links ...*Link) *Deposed {
	old := &Deposed{s: s, sessions: make(map[int64]*session)}
	s.do(func() {
		for _, l := range links {
			if s.deposed[l] == nil {
				s.deposed[l] = old
				l.reign++
			}
		}
		var left []*conn
		for c := range s.conns {
			if c.old == nil && c.link != nil && s.deposed[c.link] == old {
				left = append(left, c)
			}
		}
		slices.SortFunc(left, byArrival)
		for _, c := range left {
			if c.sess != nil {
				s.catchUp(c.sess) // the session is connected to the leader, which does not lag
			}
		}
		old.tree = s.tree.clone()
		for id, sess := range s.sessions {
			old.sessions[id] = &session{
				id: id, passwd: sess.passwd, timeout: sess.timeout, lastHeard: sess.lastHeard, settled: sess.settled,
				closing: sess.closing, waits: len(sess.queue) > 0,
			}
		}
		for _, c := range left {
			old.keep(c)
		}
		s.renewTimeouts()
	})
	return old
}

// StepDown makes the deposed leader notice that it has lost its quorum. It
// closes all its connections at once, and dials over its links reach the quorum
// again. Unanswered requests are lost. Later calls do nothing.
func (old *Deposed) StepDown() {
	s := old.s
	s.do(func() {
		for l, o := range s.deposed {
			if o == old {
				delete(s.deposed, l)
			}
		}
		for c := range s.conns {
			if c.old == old {
				c.abandon()
			}
		}
	})
}

// keep hands a connection over to the deposed leader.
func (old *Deposed) keep(c *conn) {
	if c.sess != nil {
		c.orphan(c.sess)
	}
	c.old = old
	if c.gone || c.sess == nil {
		return
	}
	s := old.s
	s.tree.data.move(c, &old.tree.data)
	s.tree.child.move(c, &old.tree.child)
	c.sess.conn = nil
	c.sess = old.sessions[c.sess.id]
	c.sess.conn = c
}

// touch notes that the deposed leader has heard from a session, unless the
// session has expired there already.
func (old *Deposed) touch(sess *session) {
	if sess.late() {
		sess.closing = true
	}
	if !sess.closing {
		sess.touch()
	}
}

// withhold keeps a request that only a quorum could answer. From now on the
// session waits.
func (old *Deposed) withhold(sess *session, op Op) {
	sess.waits = true
	if op == OpCloseSession {
		sess.closing = true
	}
}

// lost reports whether a connection ended before its leader was deposed, and
// belongs to a link that was cut off from the quorum then.
func (c *conn) lost() bool { return c.old == nil && c.link != nil && c.link.reign != c.reign }

// stalled reports whether a request gets no answer because of an earlier
// request of its session.
func (c *conn) stalled(op Op) bool {
	return !c.atOnce(op) && c.sess != nil && (c.sess.waits || c.sess.closing)
}

// peers returns the sessions known to the server that a connection has reached.
func (s *Server) peers(c *conn) map[int64]*session {
	if c.old != nil {
		return c.old.sessions
	}
	return s.sessions
}
