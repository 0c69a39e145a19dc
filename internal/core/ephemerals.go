package core

import (
	"context"
	"slices"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/wire"
)

// OwnsAt reports whether the node at path exists and this session owns it. The
// session needs no right to read the node. The connected server answers, and
// may lag.
//
// ctx bounds the request, which like every read is repeated over lost
// connections. Errors: ErrUnimplemented on servers before ZooKeeper 3.6, which
// then close the connection. Those servers withhold no node's stat.
func (s *Session) OwnsAt(ctx context.Context, path string) (bool, error) {
	s.made()
	if err := znode.Validate(path); err != nil {
		return false, s.refuse("get ephemerals", path, err)
	}
	paths, err := s.ownBelow(ctx, path)
	return slices.Contains(paths, s.abs(path)), err
}

// ownBelow returns the absolute paths of this session's nodes that begin with
// path.
func (s *Session) ownBelow(ctx context.Context, path string) ([]string, error) {
	paths, err := read(ctx, s, "get ephemerals", path, request[[]string]{
		frame: func() []byte { return wire.OnPath(wire.OpGetEphemerals, s.abs(path)) },
		parse: wire.PathsOf,
	})
	return paths, needs(err, "getEphemerals needs ZooKeeper 3.6 or later")
}
