package core

import (
	"context"
	"errors"
	"math"
)

// Sighting is a session's view of an existing node.
type Sighting struct {
	Data []byte // nil if the node is hidden
	// Stat is zero if the node is hidden and the server withholds the stat, as
	// ZooKeeper does since 3.8.4 and 3.9.2. Then Hidden(Stat) is true.
	Stat Stat
	// Hidden says that the node exists, and that the session may not read it.
	Hidden bool
}

// See is Get that returns a hidden node without an error. If the node is
// missing, it fails with ErrNoNode. ctx bounds the requests: one for a readable
// node, two for a hidden node.
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

// SeeMany is See of many nodes, in the order of paths and in few requests
// (ReadMany). The result of a missing node is nil. A hidden node costs one more
// request. ctx bounds the whole call. With an error, there are no results.
func (s *Session) SeeMany(ctx context.Context, paths []string) ([]*Sighting, error) {
	return s.SeeSome(ctx, paths, math.MaxInt)
}

// MaxOwnerData is how much data SeeOwners keeps of a node: far more than a
// recipe writes about an owner.
const MaxOwnerData = 64 << 10

// SeeOwners is SeeMany for nodes whose data describes an owner. Larger data is
// another program's, and is dropped.
func (s *Session) SeeOwners(ctx context.Context, paths []string) ([]*Sighting, error) {
	all := make([]*Sighting, 0, len(paths))
	for len(all) < len(paths) {
		some, err := s.SeeSome(ctx, paths[len(all):], maxAnswer)
		if err != nil {
			return nil, err
		}
		for _, node := range some {
			if node != nil && len(node.Data) > MaxOwnerData {
				node.Data = nil
			}
		}
		all = append(all, some...)
	}
	return all, nil
}

// SeeSome is SeeMany for a caller with limited memory: see ReadSome. It returns
// the results of the first paths, at least one.
func (s *Session) SeeSome(ctx context.Context, paths []string, bytes int) ([]*Sighting, error) {
	s.made()
	ops := make([]ReadOp, len(paths))
	for i, path := range paths {
		ops[i].Path = path
	}
	results, err := s.ReadSome(ctx, ops, bytes)
	if err != nil {
		return nil, err
	}
	seen := make([]*Sighting, len(results))
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

// StatOf is Exists for a caller that needs the stat: for a hidden node, the
// error is ErrNoAuth. If the server returns the stat to every session, StatOf
// returns it.
func (s *Session) StatOf(ctx context.Context, path string) (Stat, bool, error) {
	s.made()
	stat, found, err := s.Exists(ctx, path)
	if err == nil && found && Hidden(stat) {
		return Stat{}, false, s.refuse("exists", path, ErrNoAuth)
	}
	return stat, found, err
}

// statOf is StatOf for a valid path.
func (s *Session) statOf(ctx context.Context, path string) (presence, error) {
	p, err := s.exists(ctx, path, false)
	if err == nil && p.hidden {
		return presence{}, s.refuse("exists", path, ErrNoAuth)
	}
	return p, err
}

// SeeW is See with a watch on the node's data and on its deletion. If it fails,
// it sets no watch, also with ErrNoNode for a missing node.
//
// Servers withhold the events of a node from a session that may not read it:
// ZooKeeper since 3.8.4 and 3.9.2, Debian's since 3.8.0. The session reads a
// hidden node again: after a second, and then with pauses that double up to ten
// seconds. The watch fires when the node is gone, readable, or replaced. If the
// server withholds the stat, a node that is deleted and created again between
// two reads is not noticed.
func (s *Session) SeeW(ctx context.Context, path string) (Sighting, *Watch, error) {
	s.made()
	return s.SeeFunc(ctx, path, nil)
}

// SeeFunc is SeeW with a function instead of Watch.Done. With nil, Done works
// as usual.
func (s *Session) SeeFunc(ctx context.Context, path string, f func(EventType)) (Sighting, *Watch, error) {
	s.made()
	data, stat, watch, err := s.GetFunc(ctx, path, f)
	if !errors.Is(err, ErrNoAuth) {
		return Sighting{Data: data, Stat: stat}, watch, err
	}
	// This sets a watch only on a server that returns the stat to every
	// session. Before 3.8.4 such a server also sends the events, but Debian's
	// 3.8.0 does not.
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
