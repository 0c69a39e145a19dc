package core

import (
	"context"

	"github.com/docent-go/docent/internal/base/znode"
)

// The functions here are for callers that wait for thousands of watches at
// once, for which a select is not possible. A watch with a function has no
// Done.
//
// The function is called once, at the latest at the end of the session. The
// call may come before the read that sets the watch has returned, and during
// Stop. It runs on the goroutine that reads from the server, so it must return
// at once and must not call the session. The call for an event comes before the
// answer to any read that the server executes later: once that answer has
// arrived, the call has returned. Two calls may come late, on another
// goroutine. One is for a change that the session finds by its own looks (see
// SeeW). The other has no change, and comes when the last Follower of the node
// stops.

// GetFunc is GetW with a function instead of Watch.Done. With nil, Done works
// as usual.
func (s *Session) GetFunc(ctx context.Context, path string, f func(EventType)) ([]byte, Stat, *Watch, error) {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return nil, Stat{}, nil, s.refuse("get", path, err)
	}
	n, w, err := watched(s, path, dataWatch, f, func(watch bool) (node, error) {
		return s.get(ctx, path, watch)
	})
	return n.data, n.stat, w, err
}

// ExistsFunc is ExistsW with a function instead of Watch.Done. With nil, Done
// works as usual.
func (s *Session) ExistsFunc(ctx context.Context, path string, f func(EventType)) (Stat, bool, *Watch, error) {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return Stat{}, false, nil, s.refuse("exists", path, err)
	}
	p, w, err := watched(s, path, dataWatch, f, func(watch bool) (presence, error) {
		return s.exists(ctx, path, watch)
	})
	if err == nil && (!p.found || p.hidden) {
		s.lookAgain(w, path, p)
	}
	return p.stat, p.found, w, err
}

// ChildrenFunc is ChildrenW with a function instead of Watch.Done. With nil,
// Done works as usual.
func (s *Session) ChildrenFunc(ctx context.Context, path string, f func(EventType)) ([]string, Stat, *Watch, error) {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return nil, Stat{}, nil, s.refuse("list children", path, err)
	}
	l, w, err := watched(s, path, childWatch, f, func(watch bool) (listing, error) {
		return s.children(ctx, path, watch)
	})
	return l.names, l.stat, w, err
}
