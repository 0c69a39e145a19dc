package core

import (
	"context"
	"errors"
)

// Sighting is an existing node as a session sees it.
type Sighting struct {
	Data []byte // nil if the node is hidden
	// Stat is zero if the node is hidden and the server keeps the stat back too,
	// as ZooKeeper does since 3.8.4 and 3.9.2. Then Hidden(Stat) is true.
	Stat Stat
	// Hidden says that the node exists, and that the session may not read it.
	Hidden bool
}

// See is Get that takes a node which the session may not read for what it is:
// hidden, and not an error. It fails with ErrNoNode if the node is missing.
// ctx bounds the requests: one for a readable node, two for a hidden one.
func (s *Session) See(ctx context.Context, path string) (Sighting, error) {
	s.made()
	data, stat, err := s.Get(ctx, path)
	if !errors.Is(err, ErrNoAuth) {
		return Sighting{Data: data, Stat: stat}, err
	}
	stat, found, err := s.Exists(ctx, path)
	if err == nil && !found {
		err = s.refuse("get", path, ErrNoNode)
	}
	return Sighting{Stat: stat, Hidden: err == nil}, err
}

// SeeMany is See of many nodes, in the order of paths and in few requests (ReadMany). A
// missing node is nil. A hidden node costs a request of its own. ctx bounds the whole
// call; there are no results with an error.
func (s *Session) SeeMany(ctx context.Context, paths []string) ([]*Sighting, error) {
	s.made()
	ops := make([]ReadOp, len(paths))
	for i, path := range paths {
		ops[i].Path = path
	}
	results, err := s.ReadMany(ctx, ops)
	if err != nil {
		return nil, err
	}
	seen := make([]*Sighting, len(paths))
	for i, r := range results {
		switch {
		case r.Err == nil:
			seen[i] = &Sighting{Data: r.Data, Stat: r.Stat}
		case errors.Is(r.Err, ErrNoNode):
		case errors.Is(r.Err, ErrNoAuth):
			stat, found, err := s.Exists(ctx, paths[i])
			if err != nil {
				return nil, err
			}
			if found {
				seen[i] = &Sighting{Stat: stat, Hidden: true}
			}
		default:
			return nil, r.Err
		}
	}
	return seen, nil
}

// StatOf is Exists for a caller that needs the stat: a hidden node is
// ErrNoAuth. Servers that give every session the stat answer with it.
func (s *Session) StatOf(ctx context.Context, path string) (Stat, bool, error) {
	s.made()
	stat, found, err := s.Exists(ctx, path)
	if err == nil && found && Hidden(stat) {
		return Stat{}, false, s.refuse("exists", path, ErrNoAuth)
	}
	return stat, found, err
}

// statOf is StatOf for a path that was checked before.
func (s *Session) statOf(ctx context.Context, path string) (presence, error) {
	p, err := s.exists(ctx, path, false)
	if err == nil && p.hidden {
		return presence{}, s.refuse("exists", path, ErrNoAuth)
	}
	return p, err
}

// SeeW is See with a watch on the node's data and on its deletion. It sets none
// when it fails; also with ErrNoNode, if the node is missing.
//
// Servers withhold the events of a node from a session that may not read it:
// ZooKeeper since 3.8.4 and 3.9.2, Debian's since 3.8.0. The session looks again
// at a hidden node: after a second, then twice as long each time, up to ten
// seconds. The watch fires when the node is gone, readable, or another. A node
// that is deleted and created again between two looks goes unnoticed where the
// server keeps the stat back.
func (s *Session) SeeW(ctx context.Context, path string) (Sighting, *Watch, error) {
	s.made()
	return s.SeeFunc(ctx, path, nil)
}

// SeeFunc is SeeW with a function in place of Watch.Done; nil leaves Done.
func (s *Session) SeeFunc(ctx context.Context, path string, f func(EventType)) (Sighting, *Watch, error) {
	s.made()
	data, stat, watch, err := s.GetFunc(ctx, path, f)
	if !errors.Is(err, ErrNoAuth) {
		return Sighting{Data: data, Stat: stat}, watch, err
	}
	// This leaves a watch only on a server that gives every session the stat.
	// Before 3.8.4 such a server sends the events too; Debian's 3.8.0 does not.
	p, watch, err := watched(s, path, dataWatch, f, func(watch bool) (presence, error) {
		p, err := s.exists(ctx, path, watch)
		p.hidden = p.found
		return p, err
	})
	switch {
	case err != nil:
		return Sighting{}, nil, err
	case !p.found:
		watch.Stop()
		return Sighting{}, nil, s.refuse("get", path, ErrNoNode)
	}
	s.lookAgain(watch, path, p)
	return Sighting{Stat: p.stat, Hidden: true}, watch, nil
}
