package core

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/wire"
)

// WithACL returns a copy of a CreateOp whose node gets more entries after the
// configured ACL (Config.ACL). It has no effect on other operations.
func (op Op) WithACL(more ...ACL) Op {
	op.acl = slices.Concat(op.acl, more)
	return op
}

// WithExactACL returns a copy of a CreateOp whose node gets acl instead of the
// configured ACL (Config.ACL). With an empty acl, the node gets the configured
// one. It has no effect on other operations.
func (op Op) WithExactACL(acl []ACL) Op {
	op.exactACL = acl
	return op
}

// KeptACL returns the ACL of the node, for a node that will replace it. It
// returns nil if the session cannot give that ACL: it may not read the ACL, or
// the server has masked a password. Servers mask passwords unless the session
// may administer the node. It also returns nil for a missing node. ctx and the
// other errors are as for ACL.
func (s *Session) KeptACL(ctx context.Context, path string) ([]ACL, error) {
	acl, _, err := s.ACL(ctx, path)
	switch {
	case errors.Is(err, ErrNoAuth), errors.Is(err, ErrNoNode):
		return nil, nil
	case err != nil:
		return nil, err
	case slices.ContainsFunc(acl, masked):
		return nil, nil
	}
	return acl, nil
}

// masked reports whether a server has replaced a password's hash by "x".
func masked(entry ACL) bool {
	return entry.Scheme == "digest" && strings.HasSuffix(entry.ID, ":x")
}

// SetACL replaces the access control list of the node, if the list has the given
// version (Stat.Aversion), or with AnyVersion. It returns the new stat. The
// session needs the permission to administer the node.
//
// ctx bounds the request. Errors: ErrNoNode; ErrNoAuth; ErrBadVersion;
// ErrInvalidACL; ErrTooLarge; ErrUnknownOutcome if the answer is lost;
// ErrSessionEnded; ctx's error. SetACL is safe for concurrent use.
func (s *Session) SetACL(ctx context.Context, path string, acl []ACL, version int32) (Stat, error) {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return Stat{}, s.refuse("set acl", path, err)
	}
	abs, list := s.abs(path), wireACL(acl)
	if err := s.fits(wire.RequestHeader + wire.StringSize(abs) + wire.ACLSize(list) + 4); err != nil {
		return Stat{}, s.refuse("set acl", path, err)
	}
	return write(ctx, s, "set acl", path, false, request[Stat]{
		frame: func() []byte { return wire.SetACL(abs, list, version) },
		parse: func(body []byte) (Stat, error) {
			stat, err := wire.StatOf(body)
			return Stat(stat), err
		},
	})
}

type aclNode struct {
	acl  []ACL
	stat Stat
}

// ACL returns the access control list and the stat of the node. A server may
// replace the hashes of digest entries by "x" unless the session may administer
// the node.
//
// Like every read it is repeated over lost connections until ctx or the session
// ends. It fails with ErrNoNode if the node is missing, and with ErrNoAuth
// if the session may neither read nor administer it.
func (s *Session) ACL(ctx context.Context, path string) ([]ACL, Stat, error) {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return nil, Stat{}, s.refuse("get acl", path, err)
	}
	abs := s.abs(path)
	n, err := read(ctx, s, "get acl", path, request[aclNode]{
		frame: func() []byte { return wire.OnPath(wire.OpGetACL, abs) },
		parse: func(body []byte) (aclNode, error) {
			list, stat, err := wire.ACLOf(body)
			acl := make([]ACL, len(list))
			for i, a := range list {
				acl[i] = ACL(a)
			}
			return aclNode{acl, Stat(stat)}, err
		},
	})
	return n.acl, n.stat, err
}
