package core

import (
	"errors"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/conn"
)

// abandon closes a link on which a probe is not answered in time. The server
// may be a deposed leader, or may have lost its leader, and another server may
// have a quorum.
//
// A probe may also be late because of earlier requests of the session. While a
// quorum answers these, the link is kept until the trust deadline, minus the
// time that another server needs. A probe that renews the newest proof would be
// given up at the same time.
type abandon struct {
	s    *Session
	link *conn.Conn

	mu    sync.Mutex
	timer *time.Timer
	known int64 // when the newest proof so far was written
	over  bool
}

func (s *Session) abandonIn(wait time.Duration, link *conn.Conn) *abandon {
	a := &abandon{s: s, link: link, known: s.trust.written.Load()}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer = time.AfterFunc(wait, a.due)
	return a
}

// stop is called when the probe has ended.
func (a *abandon) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.timer.Stop()
}

// errNoQuorum is the reason for which a link is abandoned.
var errNoQuorum = errors.New("no quorum has answered on this connection for a while")

func (a *abandon) due() {
	if !a.giveUp() {
		return
	}
	select {
	case <-a.link.Closed():
		return
	default:
	}
	a.s.m.log.Info("a quorum has not answered for a while: trying another server", "server", a.link.RemoteAddr())
	a.link.Fail(errNoQuorum)
}

// giveUp reports whether to close the link. If a quorum has answered since, it
// restarts the timer instead.
func (a *abandon) giveUp() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	written := a.s.trust.written.Load()
	if a.over || written == a.known {
		return !a.over
	}
	a.known = written
	left := time.Until(a.s.TrustedUntil()) - parts(a.s.Timeout(), reserve)
	if left <= 0 {
		return true
	}
	a.timer.Reset(left)
	return false
}
