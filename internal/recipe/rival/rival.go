// Package rival bounds the wait for a znode of another process at a path that
// only this process should have. Usually the znode belongs to a process that
// crashed a moment ago, and the server deletes it with the session. If the znode
// exists for longer than such a session can last, a live process has the path.
package rival

import "time"

// Rival is the znode of another process, and the end of the wait for it. The
// zero value has seen no znode.
type Rival struct {
	czxid int64
	until time.Time
}

// Left returns for how long the znode with the czxid is still to be waited for.
// It is zero or less once a live process must own the znode. The time begins
// with the first call for the czxid. timeout is the timeout of our session.
//
// The session of a crashed process lasts for its timeout, rounded up to a tick.
// A tick is at most half of the shortest timeout that servers grant.
func (r *Rival) Left(czxid int64, timeout time.Duration) time.Duration {
	if r.czxid != czxid {
		r.czxid, r.until = czxid, time.Now().Add(timeout*3/2)
	}
	return time.Until(r.until)
}
