package groupmembership

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/views"
	"github.com/docent-go/docent/session"
)

// Member is a member of a group, as described by its znode.
type Member struct {
	// Owner describes the process. ID is the id of the member, which is the
	// name of its znode. Since is when the member came in. Token distinguishes
	// one stay of a member from the next. A znode of a member does not tell its
	// Host and PID.
	session.Owner
	// Payload is what the member reports about itself. All watchers of the
	// group share the slice: do not write to it. It is nil if Hidden or Unread
	// is set.
	Payload []byte `json:"payload,omitempty"`
	// Unread says that the payload was left out, because it is beyond MaxBytes.
	Unread bool `json:"unread,omitempty"`
	// Updated is when the payload was last written, by the clock of the
	// ensemble's leader.
	Updated time.Time `json:"updated"`

	mzxid int64
}

func memberOf(dir, id string, data []byte, stat core.Stat) Member {
	m := Member{Owner: owner.Of(znode.Join(dir, id), stat), Payload: data, mzxid: stat.Mzxid}
	if m.ID = id; stat.Mtime != 0 {
		m.Updated = stamp.Millis(stat.Mtime)
	}
	return m
}

// hiddenMember returns a member whose stat the server withholds.
func hiddenMember(dir, id string) Member {
	return Member{Owner: session.Owner{ID: id, Path: znode.Join(dir, id), Hidden: true}}
}

// Members returns the members of the group, sorted by id. A group that does not
// exist has no members. The connected server may lag. A member that crashed is
// listed until its session expires.
//
// ctx bounds the reads. Members is safe for concurrent use. Errors: ctx's;
// session.ErrClosed; an invalid path; session.ErrNoAuth if the group may not be
// listed. A member whose znode may not be read is listed with Hidden. If Limit
// or MaxBytes leave something out, Members returns the members within the limits,
// and an error that matches session.ErrLeftOut.
func (g *Group) Members(ctx context.Context) ([]Member, error) {
	g.made()
	members, err := g.members(ctx)
	return members, core.Failed("list members", g.path, err)
}

func (g *Group) members(ctx context.Context) ([]Member, error) {
	if g.err != nil {
		return nil, g.err
	}
	names, _, err := g.sm.Children(ctx, g.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return []Member{}, nil
	case err != nil:
		return nil, ctxend.Join(ctx, err)
	}
	// Another client may have created names that Join refuses.
	names = slices.DeleteFunc(names, func(name string) bool { return znode.ValidateName(name) != nil })
	nodes, out, err := views.Within(ctx, g.sm, g.path, names, g.opts.limit, g.opts.maxBytes)
	if err != nil {
		return nil, ctxend.Join(ctx, err)
	}
	found := make([]Member, 0, len(nodes))
	for _, node := range nodes {
		if core.Hidden(node.Stat) {
			found = append(found, hiddenMember(g.path, node.Name))
			continue
		}
		m := memberOf(g.path, node.Name, node.Data, node.Stat)
		m.Hidden, m.Unread = node.Hidden, node.Unread
		found = append(found, m)
	}
	// A persistent znode is not a member. The owner of a hidden znode is not
	// known.
	found = slices.DeleteFunc(found, func(m Member) bool { return m.Session == 0 && !m.Hidden })
	return found, g.leftOut(out)
}

// leftOut returns the session.ErrLeftOut that reports what was left out, or nil.
func (g *Group) leftOut(out views.LeftOut) error {
	return out.Err(g.opts.limit, g.opts.maxBytes, func(id string) string { return id })
}

// memberAt returns the member at a znode of a mirrored directory, or nil. A
// persistent znode is not a member, nor is a znode with a name that the client
// would refuse. A hidden znode counts as a member, because its owner is not
// known.
func (g *Group) memberAt(s *views.TreeState, id string) *Member {
	if n := s.Get(id); n != nil {
		if n.Stat.EphemeralOwner == 0 {
			return nil
		}
		m := memberOf(g.path, id, n.Data, n.Stat)
		m.Unread = n.Unread
		return &m
	}
	if !errors.Is(s.Refused(id), core.ErrNoAuth) {
		return nil
	}
	m := hiddenMember(g.path, id)
	return &m
}
