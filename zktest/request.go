package zktest

import (
	"slices"
	"time"

	"github.com/docent-go/docent/internal/wire"
)

// request runs one frame after the handshake. It reports false if the
// connection executes no further frame.
func (c *conn) request(body []byte) bool {
	s := c.s
	d := wire.NewDecoder(body)
	xid, op := d.Int32(), Op(d.Int32())
	if d.Err() != nil {
		s.do(func() { s.hangUp(c) })
		return false
	}
	act, ok := c.consult(xid, op, d.Rest())
	if !ok {
		return false
	}
	defer s.order.Unlock()
	more := true
	s.step(func() {
		if c.abandoned || c.lost() || c.sess != nil && c.seq < c.sess.settled {
			// Once a session has synced or written on a newer connection, the
			// leader knows that it has moved there. A request on the older
			// connection has run before, or never runs. Neither does a request
			// that was pending in a leader when it was deposed.
			more = false
			return
		}
		if c.old != nil && c.sess != nil && c.sess.late() {
			s.hangUp(c)
			more = false
			return
		}
		more = c.perform(act, xid, op, d)
	})
	return more
}

// consult asks the interceptors about a request, waits if they say so, and
// returns with order locked. The decision about one request takes effect before
// the next request is asked about. It reports false if the connection's
// requests are to be dropped.
func (c *conn) consult(xid int32, op Op, body []byte) (Action, bool) {
	s := c.s
	act := Pass
	s.intercepting.Lock()
	func() {
		asked := false
		defer func() {
			if !asked { // an interceptor panicked or ended the test: unlock
				s.intercepting.Unlock()
			}
		}()
		act = s.intercept(c, xid, op, body)
		asked = true
	}()
	if act.wait() {
		s.intercepting.Unlock()
		if !act.await(s.done) {
			return act, false
		}
		return act, s.lockThawed()
	}
	s.order.Lock()
	s.intercepting.Unlock()
	if !s.frozen.shut() {
		return act, true
	}
	s.order.Unlock()
	return act, s.lockThawed()
}

// lockThawed locks order once the server is not frozen. It reports false,
// without the lock, if the server closes first.
func (s *Server) lockThawed() bool {
	for {
		if !s.frozen.pass(s.done) {
			return false
		}
		s.order.Lock()
		if !s.frozen.shut() {
			return true
		}
		s.order.Unlock()
	}
}

// perform applies the interceptors' decision to a request.
func (c *conn) perform(act Action, xid int32, op Op, d *wire.Decoder) bool {
	s := c.s
	if act.kind == actDrop {
		if !act.silent {
			c.abandoned = true
			s.hangUp(c)
		}
		return act.silent
	}
	if c.stalled(op) {
		return true
	}
	if act.kind != actFail {
		c.settle(op)
	}
	return c.enqueue(act, xid, op, d) || c.carryOut(act, xid, op, d)
}

// settle notes that the leader knows the session's move to this connection.
func (c *conn) settle(op Op) {
	if c.sess != nil && (op == OpSync || isWrite(op)) {
		c.sess.settled = max(c.sess.settled, c.seq)
	}
}

// carryOut executes a request, or fails it. It reports false if the connection
// executes no further request.
func (c *conn) carryOut(act Action, xid int32, op Op, d *wire.Decoder) bool {
	s := c.s
	c.failing = act.parts
	switch act.kind {
	case actFail:
		s.send(c, newReply(xid, s.view(c).zxid, act.code).Frame())
		return true
	case actLose:
		c.losing = !act.silent
		c.dispatch(xid, op, d)
		s.dropReply(c)
		if !act.silent {
			c.abandoned = true
			s.hangUp(c)
		}
		return act.silent
	}
	c.dispatch(xid, op, d)
	return true
}

// dropReply removes the reply of the request just executed; watch events stay.
func (s *Server) dropReply(c *conn) {
	for i := len(s.outgoing) - 1; i >= 0; i-- {
		if o := s.outgoing[i]; o.c == c && o.reply {
			s.outgoing = append(s.outgoing[:i], s.outgoing[i+1:]...)
			return
		}
	}
}

// answer queues the reply to a request.
func (s *Server) answer(c *conn, e *wire.Encoder) {
	s.outgoing = append(s.outgoing, outgoing{c: c, frame: e.Frame(), reply: true})
}

// view returns the tree that a connection reads: the server's tree, the tree of
// a deposed leader, or the replica on which its session lags.
func (s *Server) view(c *conn) *tree {
	if c.old != nil {
		return c.old.tree
	}
	if c.sess != nil && c.sess.replica != nil {
		return c.sess.replica.tree
	}
	return s.tree
}

// dispatch executes one request and queues its answer.
func (c *conn) dispatch(xid int32, op Op, d *wire.Decoder) {
	s := c.s
	if op == OpAuth {
		c.authenticate(xid, d)
		return
	}
	if op == OpSASL {
		c.logIn(xid, d)
		return
	}
	if c.excluded() {
		s.answer(c, newReply(xid, 0, CodeSessionClosedRequireSASL))
		c.dismiss()
		return
	}
	if !s.supports(op) {
		s.answer(c, newReply(xid, -1, CodeUnimplemented))
		s.hangUp(c)
		return
	}
	if c.sess == nil || s.peers(c)[c.sess.id] != c.sess {
		if isWrite(op) && op != OpCloseSession {
			s.nextZxid()
		}
		s.answer(c, newReply(xid, s.tree.zxid, CodeSessionExpired))
		return
	}
	if c.old != nil && needsQuorum(op) {
		c.old.withhold(c.sess, op)
		return
	}
	defer c.note(opWords[wire.Op(op)], xid)
	switch {
	case op == OpCloseSession:
		s.endSession(c.sess)
		s.answer(c, newReply(xid, s.tree.zxid, CodeOK))
		s.hangUp(c)
	case op == OpPing:
		s.answer(c, newReply(wire.XidPing, s.view(c).zxid, CodeOK))
	case isWrite(op):
		if !c.losing { // else the client never sees again the server that took its write
			s.catchUp(c.sess)
		}
		c.transact(xid, op, d)
	default:
		if op == OpSync {
			s.catchUp(c.sess)
		}
		t := s.view(c)
		e := newReply(xid, t.zxid, CodeOK)
		if code := c.query(t, op, d, e); code != CodeOK {
			e = newReply(xid, t.zxid, code)
		}
		s.answer(c, e)
	}
}

// supports reports whether the server knows a kind of request.
func (s *Server) supports(op Op) bool {
	return (wire.Op(op).Known() || op == OpConnect) && !slices.Contains(s.cfg.unknownOps, op) && !slices.Contains(s.cfg.traits.lacks, op)
}

// isWrite reports whether a request is a transaction, which takes a zxid
// whether it succeeds or fails.
func isWrite(op Op) bool { return wire.Op(op).Changes() || op == OpConnect }

// needsQuorum reports whether a session's request is answered only after its
// commit by a quorum.
func needsQuorum(op Op) bool { return isWrite(op) || op == OpCloseSession }

// transact executes one transaction.
func (c *conn) transact(xid int32, op Op, d *wire.Decoder) {
	s := c.s
	switch {
	case op == OpMulti:
		c.multi(xid, d)
		return
	case op == OpConnect:
		c.openAgain(xid, d)
		return
	case op == OpDeleteContainer && s.cfg.traits.closesDeleteContainer:
		c.dismiss()
		return
	}
	w := parseWrite(op, d)
	if d.Err() != nil {
		if !s.cfg.traits.parsesFirst && op != OpReconfig {
			s.nextZxid()
		}
		s.answer(c, newReply(xid, s.tree.zxid, CodeMarshallingError))
		return
	}
	zxid, now := s.nextZxid(), s.stamp()
	ch, code := s.prepare(c, w, zxid, now)
	if code != CodeOK {
		s.answer(c, newReply(xid, zxid, code))
		return
	}
	if ch.kind != noChange {
		s.commit(ch, c.sess.id)
	}
	e := newReply(xid, zxid, CodeOK)
	s.result(w.op, ch.path, e)
	s.answer(c, e)
}

// openAgain answers a client's createSession, the transaction behind a
// handshake. A session that exists stays as it is.
func (c *conn) openAgain(xid int32, d *wire.Decoder) {
	s := c.s
	zxid := s.nextZxid()
	if d.Int32(); d.Err() != nil {
		s.answer(c, newReply(xid, zxid, CodeMarshallingError))
		return
	}
	s.outgoing = append(s.outgoing, outgoing{c: c, frame: c.welcome(), reply: true})
}

// commit applies a change and makes it known.
func (s *Server) commit(ch change, session int64) {
	s.tree.apply(&ch)
	s.publish(ch, session)
}

// publish makes an applied change known: to watchers, to lagging replicas and
// to the observers.
func (s *Server) publish(ch change, session int64) {
	s.tree.fire(ch, s.emit)
	for r := range s.replicas {
		r.log = append(r.log, ch)
	}
	if s.tree.mortal > 0 && s.reaper == nil {
		s.armReaper()
	}
	if len(s.observers) > 0 && ch.kind != changeSequence {
		s.changes = append(s.changes, Change{
			Kind: ch.kind, Path: ch.path, Zxid: ch.zxid, Session: session, Time: time.Now(), Data: ch.data,
		})
	}
}

// emit sends a watch event of the transaction zxid.
func (s *Server) emit(c *conn, t wire.Event, path string, zxid int64) {
	if !s.cfg.traits.datesEvents {
		zxid = noZxid
	}
	s.send(c, encodeEvent(t, path, zxid))
}
