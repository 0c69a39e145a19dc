package core

import (
	"errors"
	"net"
	"strings"
	"time"
)

// warnAfter is how long a Manager may be without a session before it logs a
// warning. It does not depend on the session timeout, because at the first
// start an operator waits for the reason.
const warnAfter = 3 * time.Second

// outage is a period without a session.
type outage struct {
	since  time.Time // the first failure, which may be earlier than the end of the session
	timer  *time.Timer
	warned bool
}

// outageBegins starts an outage. The caller holds mu, or has not shared m yet.
func (m *Manager) outageBegins() {
	o := &outage{since: m.failing}
	if o.since.IsZero() {
		o.since = time.Now()
	}
	m.outage = o
	o.timer = time.AfterFunc(warnAfter, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.outage == o {
			m.warn(o)
		}
	})
}

// outageEnds ends an outage, if there is one. The caller holds mu.
func (m *Manager) outageEnds() {
	if m.outage != nil {
		m.outage.timer.Stop()
		m.outage = nil
	}
}

// warn logs once for each outage why no session can be opened. The caller holds
// mu.
func (m *Manager) warn(o *outage) {
	if o.warned {
		return
	}
	o.warned = true
	err := m.fails.tell()
	if err == nil {
		err = errors.New("no server has answered yet")
	}
	m.log.Warn("no session can be opened", "servers", strings.Join(m.cfg.Servers, ","), "since", o.since, "err", err)
}

// dialFailed is called by a session when a connection to a target has failed.
func (m *Manager) dialFailed(t target, err error) { m.failed(t, err, false) }

// failed notes why a session or a connection is missing. If a server refuses
// the session, the warning is logged at once, because a refusal usually
// persists. Otherwise it is logged after warnAfter.
func (m *Manager) failed(t target, err error, refused bool) {
	if errors.Is(err, net.ErrClosed) {
		return // the session is sealed
	}
	m.mu.Lock()
	m.fails.note(t, err)
	if m.failing.IsZero() {
		m.failing = time.Now()
	}
	if refused && m.outage != nil {
		m.warn(m.outage)
	}
	m.mu.Unlock()
	m.log.Debug("dialling failed", "err", err)
}

// succeeded notes that a server was reached. The caller holds mu.
func (m *Manager) succeeded() { m.fails, m.failing = nil, time.Time{} }
