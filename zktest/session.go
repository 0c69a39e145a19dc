package zktest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"time"
)

// session is one client session. Everything is guarded by Server.mu.
type session struct {
	id        int64
	passwd    [16]byte
	timeout   time.Duration
	lastHeard time.Time
	timer     *time.Timer
	conn      *conn
	settled   int64    // the newest connection on which the session has synced or written
	replica   *replica // set while the session reads from a lagging server

	queue   []*queued // requests that wait for the quorum, and later ones behind them
	closing bool      // the end waits for a quorum: no request is served
	waits   bool      // a deposed leader holds a request of this session that no quorum will commit
}

// touch restarts the session's timeout. The timer is not reset: if it fires
// early, it checks lastHeard again.
func (sess *session) touch() { sess.lastHeard = time.Now() }

func (sess *session) deadline() time.Time { return sess.lastHeard.Add(sess.timeout) }

func (sess *session) late() bool { return !time.Now().Before(sess.deadline()) }

// password derives a session's password from its id, so that a replayed test
// sees the same bytes.
func password(session int64) (p [16]byte) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(session))
	sum := sha256.Sum256(append([]byte("zktest session "), b[:]...))
	copy(p[:], sum[:])
	return p
}

// negotiate confines the timeout that a client asks for.
func (s *Server) negotiate(ms int32) time.Duration {
	d := time.Duration(ms) * time.Millisecond
	return min(max(d, s.cfg.minTimeout), s.cfg.maxTimeout)
}

// handshake answers the first frame of a connection with a new session, the old
// one again, or none. It reports whether requests may follow.
func (c *conn) handshake(body []byte) bool {
	req, err := decodeConnect(body)
	hang, slow := c.link.handshakes()
	if err == nil && slow > 0 && c.s.opensSession(req) {
		select {
		case <-time.After(slow):
		case <-c.dead:
			return false
		}
	}
	if !c.s.lockThawed() {
		return false
	}
	c.greet(req, err, hang)
	return c.awaitSession()
}

// opensSession reports whether a hello will be answered with a new session.
func (s *Server) opensSession(req connectRequest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return req.session == 0 || s.replace
}

// greet answers a hello, or hangs. The caller hands order over to it.
func (c *conn) greet(req connectRequest, malformed error, hang bool) {
	s := c.s
	defer s.order.Unlock()
	s.step(func() {
		if c.gone {
			return
		}
		s.counts[OpConnect]++
		opens := req.session == 0 || s.replace
		switch {
		case malformed != nil:
			s.hangUp(c)
		case s.hang || hang:
			// The connection stays open and silent.
		case req.lastZxid > s.view(c).zxid:
			// The client has seen a zxid that this server does not know.
			s.hangUp(c)
		case opens && c.old != nil:
			// No quorum commits the session: the connection stays open and silent.
		case opens:
			s.propose(func() { s.openSession(c, req) })
		default:
			s.reopenSession(c, req)
		}
	})
}

// awaitSession waits until the connection carries a session, and reports false
// if it ends before.
func (c *conn) awaitSession() bool {
	select {
	case <-c.greeted:
	case <-c.dead:
	case <-c.s.done:
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.sess != nil
}

func (s *Server) openSession(c *conn, req connectRequest) {
	sess := &session{id: s.nextSession, passwd: password(s.nextSession), timeout: s.negotiate(req.timeoutMs)}
	s.nextSession++
	s.nextZxid()
	s.sessions[sess.id] = sess
	sess.touch()
	sess.timer = time.AfterFunc(sess.timeout, func() { s.judge(sess) })
	if !c.gone && c.old == nil {
		s.attach(c, sess, req)
	}
}

func (s *Server) reopenSession(c *conn, req connectRequest) {
	sess := s.peers(c)[req.session]
	if sess != nil && sess.conn != nil {
		// A client has one connection. The new one ends the old one, even
		// before the password is checked.
		s.hangUp(sess.conn)
	}
	if sess != nil && c.old != nil {
		c.old.touch(sess)
	}
	if sess == nil || sess.closing || subtle.ConstantTimeCompare(req.passwd, sess.passwd[:]) != 1 {
		s.send(c, encodeConnect(0, 0, [16]byte{}, req.sentReadOnly))
		s.hangUp(c)
		return
	}
	sess.timeout = s.negotiate(req.timeoutMs)
	sess.touch()
	if c.old == nil {
		sess.timer.Reset(sess.timeout)
	}
	s.attach(c, sess, req)
}

func (s *Server) attach(c *conn, sess *session, req connectRequest) {
	sess.conn, c.sess, c.last = c, sess, sess.id
	c.latest = noAnswer
	close(c.greeted)
	c.sentReadOnly = req.sentReadOnly
	s.send(c, c.welcome())
	if req.session == 0 {
		c.note("SESS", 0)
	}
}

// welcome is the answer to the handshake of the connection's session.
func (c *conn) welcome() []byte {
	return encodeConnect(int32(c.sess.timeout/time.Millisecond), c.sess.id, c.sess.passwd, c.sentReadOnly)
}

// judge runs when a session's timeout may have passed.
func (s *Server) judge(sess *session) {
	s.do(func() {
		if s.sessions[sess.id] != sess || s.frozen.shut() {
			return // the session has ended, or Thaw checks it
		}
		if left := time.Until(sess.deadline()); left > 0 {
			sess.timer.Reset(left)
			return
		}
		s.end(sess)
	})
}

// endSession is the closeSession transaction. It deletes the ephemeral znodes,
// all under one zxid.
func (s *Server) endSession(sess *session) {
	sess.timer.Stop()
	sess.closing = false
	delete(s.sessions, sess.id)
	delete(s.replicas, sess.replica)
	zxid := s.nextZxid()
	now := s.stamp()
	for _, path := range s.tree.ownedBy(sess.id) {
		s.commit(change{kind: Deleted, path: path, zxid: zxid, time: now}, sess.id)
	}
}

// nextZxid returns the zxid of a new transaction.
func (s *Server) nextZxid() int64 {
	s.tree.zxid++
	return s.tree.zxid
}
