package core

import (
	"errors"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/conn"
)

// abandon closes a link on which a probe is not answered in time: the server may be a
// leader that was deposed, or have lost its leader, and another may do better.
//
// A probe may also be late because of what the session has sent before it. While a
// quorum answers that, the link is kept up to the trust deadline, less what another
// server needs: that is when a probe would be given up that had left on the newest proof.
type abandon struct {
	s    *Session
	link *conn.Conn

	mu    sync.Mutex
	timer *time.Timer
	known int64 // the newest proof that has not helped
	over  bool
}

func (s *Session) abandonIn(wait time.Duration, link *conn.Conn) *abandon {
	a := &abandon{s: s, link: link, known: s.trust.proven.Load()}
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

// errNoQuorum is why a link is abandoned.
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

// giveUp reports whether the link is not worth waiting for any more.
func (a *abandon) giveUp() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	proven := a.s.trust.proven.Load()
	if a.over || proven == a.known {
		return !a.over
	}
	a.known = proven
	left := time.Until(a.s.trust.until(proven)) - parts(a.s.Timeout(), reserve)
	if left <= 0 {
		return true
	}
	a.timer.Reset(left)
	return false
}
