package session

import "errors"

// ErrNotServing is what a Manager's LastFailure wraps when a server has taken the connection
// and closed it without a session, as a server does that has no quorum.
var ErrNotServing = errors.New("the server closed the connection")

// LastFailure returns why the last attempt to connect has failed, or nil if
// none has since a server was reached. It does no I/O, and is safe for
// concurrent use.
func (m *Manager) LastFailure() error {
	m.made()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lastFail
}
