package zktest

import "time"

// Backup is a copy of the data and the sessions of a server, as the snapshots
// and the logs of a real one have them. A Backup can be restored more than once.
type Backup struct {
	tree     *tree
	sessions []*session // copies without timers and connections
}

// Backup copies the data and the sessions as they are now.
func (s *Server) Backup() *Backup {
	b := new(Backup)
	s.do(func() {
		b.tree = s.tree.clone()
		for _, sess := range s.sessions {
			b.sessions = append(b.sessions, &session{id: sess.id, passwd: sess.passwd, timeout: sess.timeout})
		}
	})
	return b
}

// epochBits is how far the epoch is shifted in a zxid.
const epochBits = 32

// Restore stops the ensemble, puts the backup in the place of its data, and
// starts it again. As in ZooKeeper:
//
//   - All connections close, and uncommitted requests are lost.
//   - What was written since the backup is gone, and what was deleted since
//     exists again. No watch fires.
//   - The sessions of the backup live, with their ephemeral znodes and their
//     whole timeout, even a session that has been closed or has expired since.
//     Later sessions are unknown: their re-attachment is answered with an expiry.
//   - The election begins a new epoch, in the high half of the zxids. The
//     epoch is later than all before, as an operator makes it. So clients that
//     have seen later transactions of the old history are not rejected.
//
// Observers ([Server.OnChange]) are told nothing.
func (s *Server) Restore(b *Backup) {
	s.do(func() {
		s.restart()
		for _, sess := range s.sessions {
			sess.timer.Stop()
		}
		clear(s.sessions)
		last := max(s.tree.zxid, b.tree.zxid)
		s.tree = b.tree.clone()
		s.tree.zxid = (last>>epochBits + 1) << epochBits
		for _, old := range b.sessions {
			sess := &session{id: old.id, passwd: old.passwd, timeout: old.timeout}
			sess.touch()
			sess.timer = time.AfterFunc(sess.timeout, func() { s.judge(sess) })
			s.sessions[sess.id] = sess
		}
	})
}
