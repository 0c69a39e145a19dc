package core

import "errors"

// ErrNotServing is wrapped by the error of LastFailure if a server has accepted
// the connection and closed it without a session. A server without a quorum
// does that.
var ErrNotServing = errors.New("the server closed the connection")

// LastFailure returns the reason why no connection can be made, or nil if no
// attempt has failed since a server was reached. If one server accepts and
// closes connections while others cannot be dialled, it returns the failure of
// that server, whichever attempt was the last. It does no I/O, and is safe for
// concurrent use.
func (m *Manager) LastFailure() error {
	m.made()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fails.tell()
}

// failing has the failures of connections since the last successful one.
type failing struct {
	last error

	// notServing is the last failure with ErrNotServing, of the server at addr.
	// It counts until that server fails in another way.
	notServing error
	addr       string
}

// note notes a failure of the server at addr. addr is empty if the failure has
// no server.
func (f *failing) note(addr string, err error) {
	f.last = err
	switch {
	case errors.Is(err, ErrNotServing):
		f.notServing, f.addr = err, addr
	case addr == f.addr, addr == "":
		f.notServing = nil
	}
}

// tell returns the most informative failure, or nil.
func (f *failing) tell() error {
	if f.notServing != nil {
		return f.notServing
	}
	return f.last
}
