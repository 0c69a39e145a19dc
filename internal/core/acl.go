package core

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/internal/znode"
)

// WithACL returns a copy of a CreateOp whose node gets these entries after the
// configured ones (Config.ACL). It has no effect on other operations.
func (op Op) WithACL(more ...ACL) Op {
	op.acl = slices.Concat(op.acl, more)
	return op
}

// WithExactACL returns a copy of a CreateOp whose node gets the ACL in place of the
// configured one (Config.ACL). An empty ACL leaves the configured one. It has no
// effect on other operations.
func (op Op) WithExactACL(acl []ACL) Op {
	op.exactACL = acl
	return op
}

// KeptACL returns the ACL of the node for a node that takes its place, and nil if
// the session cannot give it: it may not read the ACL, or the server has masked a
// password, which it does unless the session may administer the node. A node
// that is missing has none. ctx and the other errors are those of ACL.
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

// masked reports whether a server has put "x" in the place of a password's hash.
func masked(entry ACL) bool {
	return entry.Scheme == "digest" && strings.HasSuffix(entry.ID, ":x")
}

type aclNode struct {
	acl  []ACL
	stat Stat
}

// ACL returns the access control list and the stat of the node. A server
// may replace the hashes of digest entries by "x" unless the session may
// administer the node.
//
// Like every read it is repeated over lost connections until ctx or the session
// ends. It fails with ErrNoNode if the node is missing, and with ErrNoAuth
// if the session may neither read nor administer it.
func (s *Session) ACL(ctx context.Context, path string) ([]ACL, Stat, error) {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return nil, Stat{}, s.refuse("acl", path, err)
	}
	abs := s.abs(path)
	n, err := read(ctx, s, "acl", path, request[aclNode]{
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
