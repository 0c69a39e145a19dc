package core

import "errors"

// ErrNotServing is what a Manager's LastFailure wraps when a server has taken the connection
// and closed it without a session, as a server does that has no quorum.
var ErrNotServing = errors.New("the server closed the connection")

// LastFailure returns why no connection can be made, or nil if no attempt has
// failed since a server was reached. While one server takes connections and
// closes them and others cannot be dialled, that is the failure of the first,
// whatever was tried last. It does no I/O, and is safe for concurrent use.
func (m *Manager) LastFailure() error {
	m.made()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fails.tell()
}

// failing is why connections fail, since the last one that was made.
type failing struct {
	last error

	// notServing is the last failure that is ErrNotServing, of the server at addr.
	// It counts until that server fails in another way.
	notServing error
	addr       string
}

// note takes in why the server at addr has failed; addr is empty where the
// failure is not one of a server.
func (f *failing) note(addr string, err error) {
	f.last = err
	switch {
	case errors.Is(err, ErrNotServing):
		f.notServing, f.addr = err, addr
	case addr == f.addr, addr == "":
		f.notServing = nil
	}
}

// tell returns the failure that says most, or nil.
func (f *failing) tell() error {
	if f.notServing != nil {
		return f.notServing
	}
	return f.last
}
