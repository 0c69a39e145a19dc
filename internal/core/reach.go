package core

import (
	"errors"
	"slices"

	"github.com/docent-go/docent/internal/base/oneline"
)

// ErrNotServing is wrapped by the error of LastFailure if a server has accepted
// the connection and closed it without a session. A server without a quorum
// does that.
var ErrNotServing = errors.New("the server closed the connection")

// LastFailure returns the reason why no connection can be made, or nil if no
// attempt has failed since a server was reached. It has the last failure of
// each server that was tried, the newest first. Failures with ErrNotServing come
// before the others. It does no I/O, and is safe for concurrent use.
func (m *Manager) LastFailure() error {
	m.made()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fails.tell()
}

// failing has the last failure of each address since the last successful
// connection, the newest first. It keeps oneline.Named failures.
type failing []dialFailure

// dialFailure is a failure of the address of a target.
type dialFailure struct {
	target // empty if the failure has no server
	err    error
}

// note notes a failure of the target. Without a target, a session has failed: the
// failures of connections before it count no more.
func (f *failing) note(t target, err error) {
	switch {
	case t.addr == "":
		*f = nil
	default:
		*f = slices.DeleteFunc(*f, func(old dialFailure) bool { return old.addr == t.addr || old.addr == "" })
	}
	*f = slices.Insert(*f, 0, dialFailure{t, err})
	if len(*f) > oneline.Named {
		*f = (*f)[:oneline.Named]
	}
}

// tell returns the failures as one error, or nil.
func (f failing) tell() error {
	var first, rest []error
	for _, failed := range f {
		if errors.Is(failed.err, ErrNotServing) {
			first = append(first, failed.err)
		} else {
			rest = append(rest, failed.err)
		}
	}
	return oneline.Bounded(append(first, rest...)...)
}

// unanswered returns the configured servers that have no failure, as in "no
// answer yet from zk1:2181, zk2:2181"; it is empty if each has failed, or if that
// is not known.
func (f failing) unanswered(servers []string) string {
	if len(f) == oneline.Named {
		return "" // others may have failed too
	}
	left := slices.Clone(servers)
	for _, failed := range f {
		if failed.addr == "" {
			return ""
		}
		left = slices.DeleteFunc(left, func(server string) bool { return server == failed.server })
	}
	if len(left) == 0 {
		return ""
	}
	return "no answer yet from " + oneline.Names(left)
}
