package core

import (
	"context"
	"slices"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/wire"
)

// OwnsAt reports whether the node at path exists and this session owns it. The
// session needs no right to read the node: the node's stat tells its owner, and
// servers that withhold the stat list the nodes of the session. The connected
// server answers, and may lag.
//
// ctx bounds the requests, which like every read are repeated over lost
// connections.
func (s *Session) OwnsAt(ctx context.Context, path string) (bool, error) {
	s.made()
	if err := znode.Validate(path); err != nil {
		return false, s.refuse("get ephemerals", path, err)
	}
	at, err := s.exists(ctx, path, false)
	if err == nil && at.hidden {
		return s.listsOwn(ctx, path)
	}
	return at.found && s.owns(at.stat), err
}

// listsOwn is OwnsAt for a node whose stat the server withholds.
func (s *Session) listsOwn(ctx context.Context, path string) (bool, error) {
	paths, err := s.ownBelow(ctx, path)
	return slices.Contains(paths, s.abs(path)), err
}

// ownBelow returns the absolute paths of this session's nodes that begin with
// path. Servers before ZooKeeper 3.6 do not know the request, and close the
// connection for it. They withhold no node's stat, so they need not be asked.
func (s *Session) ownBelow(ctx context.Context, path string) ([]string, error) {
	paths, err := read(ctx, s, "get ephemerals", path, request[[]string]{
		frame: func() []byte { return wire.OnPath(wire.OpGetEphemerals, s.abs(path)) },
		parse: wire.PathsOf,
	})
	return paths, needs(err, "getEphemerals needs ZooKeeper 3.6 or later")
}
