package zktest

import (
	"cmp"
	"slices"
	"time"
)

// Expire ends a session now, as the server does after its timeout. Its
// ephemeral znodes are deleted, its connection closes, and the client learns of
// the expiry when it reconnects.
func (s *Server) Expire(session int64) {
	s.do(func() {
		if sess := s.sessions[session]; sess != nil {
			s.expire(sess)
		}
	})
}

func (s *Server) expire(sess *session) {
	s.endSession(sess)
	if sess.conn != nil {
		s.hangUp(sess.conn)
	}
}

// Disconnect closes the connection of a session. The session lives on and the
// client may come back.
func (s *Server) Disconnect(session int64) {
	s.do(func() {
		for _, c := range s.connsOf(session) {
			s.hangUp(c)
		}
	})
}

// connsOf lists the open connections of a session in the order of their dials:
// one to the server, and one to each deposed leader.
func (s *Server) connsOf(session int64) []*conn {
	var list []*conn
	for c := range s.conns {
		if c.last == session && c.sess != nil && !c.gone {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, byArrival)
	return list
}

// byArrival orders connections as they were accepted.
func byArrival(a, b *conn) int { return cmp.Compare(a.seq, b.seq) }

// Freeze stops the server as SIGSTOP stops a process, until [Server.Thaw].
// Connections are accepted and bytes are taken, but nothing is answered, no
// session expires and no frame counts as heard. The server's own methods still
// work.
func (s *Server) Freeze() { s.do(func() { s.frozen.set(true) }) }

// Thaw resumes a frozen server. Sessions whose timeout has ended expire first,
// in the order of their deadlines. Frames that arrived during the freeze run
// after that.
func (s *Server) Thaw() {
	s.do(func() {
		if !s.frozen.shut() {
			return
		}
		now := time.Now()
		for _, sess := range s.byDeadline() {
			if left := sess.deadline().Sub(now); left > 0 {
				sess.timer.Reset(left)
			} else {
				s.end(sess)
			}
		}
		s.frozen.set(false)
		s.commitDue()
	})
}

// StepClock moves the clock of the leader's timestamps (Stat.Ctime, Stat.Mtime)
// by d, back if d is negative. A new leader with another clock has the same
// effect. Timeouts, and the Time of a [Change], follow the test's clock as
// before.
func (s *Server) StepClock(d time.Duration) { s.do(func() { s.skew += d }) }

// stamp is the time of a transaction, in milliseconds since 1970.
func (s *Server) stamp() int64 { return time.Now().Add(s.skew).UnixMilli() }

// byDeadline lists the sessions in the order in which they expire if no more
// frames arrive.
func (s *Server) byDeadline() []*session {
	list := make([]*session, 0, len(s.sessions))
	for _, sess := range s.sessions {
		list = append(list, sess)
	}
	slices.SortFunc(list, func(a, b *session) int {
		return cmp.Or(a.deadline().Compare(b.deadline()), cmp.Compare(a.id, b.id))
	})
	return list
}

// HangHandshakes makes the server accept connections and never answer their
// handshake. A handshake that arrived while it hung stays unanswered for good.
// To hang a single network path, see [Link.HangHandshakes].
func (s *Server) HangHandshakes(hang bool) { s.do(func() { s.hang = hang }) }

// ReplaceSessions makes the server answer each hello with a new session, even
// if the hello asks for a live session: ClickHouse Keeper does so. The
// requested session lives on without a connection until its timeout.
func (s *Server) ReplaceSessions(replace bool) { s.do(func() { s.replace = replace }) }

// Partition holds back, in order, the frames that travel in the given direction
// on the present connection of a session. Other connections are not affected;
// for the path of a whole process see [Server.Link].
func (s *Server) Partition(session int64, dir Direction) {
	s.do(func() {
		for _, c := range s.connsOf(session) {
			if dir&ToServer != 0 {
				c.fromClient.set(true)
			}
			if dir&ToClient != 0 {
				c.toClient.set(true)
			}
		}
	})
}

// Heal ends the partitions of a session. Held frames arrive now.
func (s *Server) Heal(session int64) {
	s.do(func() {
		for c := range s.conns {
			if c.last == session {
				c.fromClient.set(false)
				c.toClient.set(false)
			}
		}
	})
}

// Restart closes all connections at once and continues with the same data and
// sessions. The timeouts of the sessions start again, as when a new leader
// takes over. Requests not yet executed are lost, held ones included. Deposed
// leaders step down.
func (s *Server) Restart() { s.do(s.restart) }

func (s *Server) restart() {
	for c := range s.conns {
		c.abandon()
	}
	clear(s.deposed)
	s.forgetProposals()
	for _, sess := range s.sessions {
		s.catchUp(sess)
	}
	s.renewTimeouts()
}

// renewTimeouts starts the timeout of every session anew, as a new leader does.
func (s *Server) renewTimeouts() {
	for _, sess := range s.sessions {
		sess.touch()
		sess.timer.Reset(sess.timeout)
	}
}

// Wipe restarts the server empty: no data, no sessions, and zxids from the
// start. As in ZooKeeper, a client that has seen later zxids is rejected.
func (s *Server) Wipe() {
	s.do(func() {
		s.restart()
		for _, sess := range s.sessions {
			sess.timer.Stop()
		}
		clear(s.sessions)
		s.tree = newTree(s.cfg.traits)
	})
}

// replica is a lagging server: its old tree, and the changes it has yet to
// apply.
type replica struct {
	tree *tree
	log  []change
}

// Lag makes a session read from a follower that falls behind from now on: later
// commits are neither read nor announced by watches. The follower catches up at
// a sync or a write of the session, at [Server.CatchUp] and at a restart. The
// watch events it missed are delivered then. A write whose reply is lost
// (LoseReply) does not make it catch up. Such a write went through another
// server whose connection broke, and the session comes back to the lagging
// follower.
func (s *Server) Lag(session int64) {
	s.do(func() {
		sess := s.sessions[session]
		if sess == nil || sess.replica != nil {
			return
		}
		sess.replica = &replica{tree: s.tree.clone()}
		s.replicas[sess.replica] = struct{}{}
		if sess.conn != nil {
			s.tree.data.move(sess.conn, &sess.replica.tree.data)
			s.tree.child.move(sess.conn, &sess.replica.tree.child)
		}
	})
}

// CatchUp ends the lag of a session.
func (s *Server) CatchUp(session int64) {
	s.do(func() {
		if sess := s.sessions[session]; sess != nil {
			s.catchUp(sess)
		}
	})
}

// catchUp replays what the replica has missed, which fires the watches set on
// it. Watches that remain move to the server's own tree.
func (s *Server) catchUp(sess *session) {
	r := sess.replica
	if r == nil {
		return
	}
	sess.replica = nil
	delete(s.replicas, r)
	for _, ch := range r.log {
		r.tree.apply(&ch)
		r.tree.fire(ch, s.emit)
	}
	if sess.conn != nil {
		r.tree.data.move(sess.conn, &s.tree.data)
		r.tree.child.move(sess.conn, &s.tree.child)
	}
}
