package groupmembership

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/mirror"
	"github.com/docent-go/docent/internal/znode"
)

// Member is a member of a group, as described by its znode.
type Member struct {
	// ID is the id of the member, which is the name of its znode.
	ID string
	// Payload is what the member reports about itself. All watchers of the
	// group share the slice: do not write to it.
	Payload []byte
	// Since is when the member came in, and Updated when its payload was last
	// written, by the clock of the ensemble's leader.
	Since, Updated time.Time
	// Token is the zxid of the znode's create. It distinguishes one stay of a
	// member from the next.
	Token int64
	// Session is the id of the session that owns the znode.
	Session int64
	// Path is the path of the znode.
	Path string
	// Hidden says that the znode's ACL does not let this session read it.
	// Payload is nil then, and so is every other field that the server
	// withholds.
	Hidden bool

	mzxid int64
}

func memberOf(dir, id string, data []byte, stat core.Stat) Member {
	return Member{
		ID:      id,
		Payload: data,
		Since:   time.UnixMilli(stat.Ctime),
		Updated: time.UnixMilli(stat.Mtime),
		Token:   stat.Czxid,
		Session: stat.EphemeralOwner,
		Path:    znode.Join(dir, id),
		mzxid:   stat.Mzxid,
	}
}

// Members returns the members of the group, sorted by id. A group that does not
// exist has no members. The connected server may lag. A member that crashed is
// listed until its session expires.
//
// ctx bounds the reads. Errors: ctx's; session.ErrClosed; an invalid path;
// session.ErrNoAuth if the group may not be listed. A member whose znode may
// not be read is listed with Hidden.
func (g *Group) Members(ctx context.Context) ([]Member, error) {
	g.made()
	members, err := g.members(ctx)
	return members, failed("list the members of", g.path, err)
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
	slices.Sort(names)
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = znode.Join(g.path, name)
	}
	nodes, err := g.sm.SeeMany(ctx, paths)
	if err != nil {
		return nil, ctxend.Join(ctx, err)
	}
	found := make([]Member, 0, len(names))
	for i, node := range nodes {
		switch {
		case node == nil: // it has just left
		case core.Hidden(node.Stat):
			found = append(found, Member{ID: names[i], Path: paths[i], Hidden: true})
		default:
			m := memberOf(g.path, names[i], node.Data, node.Stat)
			m.Hidden = node.Hidden
			found = append(found, m)
		}
	}
	// A persistent znode is not a member. The owner of a hidden znode is not known.
	return slices.DeleteFunc(found, func(m Member) bool { return m.Session == 0 && !m.Hidden }), nil
}

// memberAt returns the member at a znode of a mirrored directory, or nil. A
// persistent znode is not a member, nor is a znode with a name that the client
// would refuse. A hidden znode counts as a member, because its owner is not
// known.
func (g *Group) memberAt(s *mirror.TreeState, id string) *Member {
	if n := s.Get(id); n != nil {
		if n.Stat.EphemeralOwner == 0 {
			return nil
		}
		m := memberOf(g.path, id, n.Data, n.Stat)
		return &m
	}
	if !errors.Is(s.Refused(id), core.ErrNoAuth) {
		return nil
	}
	return &Member{ID: id, Path: znode.Join(g.path, id), Hidden: true}
}

// EventKind is what happened to a member.
type EventKind int

// The kinds of events.
const (
	Joined  EventKind = iota + 1
	Left              // Event.Member is as it was last seen
	Updated           // the member has written its payload
)

// String returns the name of the kind, in lower case.
func (k EventKind) String() string {
	switch k {
	case Joined:
		return "joined"
	case Left:
		return "left"
	case Updated:
		return "updated"
	}
	return "unknown"
}

// Event is a change of one member.
type Event struct {
	Kind   EventKind
	Member Member
}

// Diff returns the events between two lists of members, both sorted by id.
// First come the members that left, by id. Then come the members that joined or
// were updated, in the order in which that happened. A member that left and
// came back in between, perhaps in another process, has both events. Of several
// updates, only the last is shown.
func Diff(before, after []Member) []Event {
	var left, came []Event
	for len(before) > 0 || len(after) > 0 {
		var order int
		switch {
		case len(before) == 0:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = strings.Compare(before[0].ID, after[0].ID)
		}
		switch {
		case order == 0 && before[0].Token == after[0].Token:
			if before[0].mzxid != after[0].mzxid || !bytes.Equal(before[0].Payload, after[0].Payload) {
				came = append(came, Event{Updated, after[0]})
			}
		case order == 0:
			left = append(left, Event{Left, before[0]})
			came = append(came, Event{Joined, after[0]})
		case order < 0:
			left = append(left, Event{Left, before[0]})
		default:
			came = append(came, Event{Joined, after[0]})
		}
		if order <= 0 {
			before = before[1:]
		}
		if order >= 0 {
			after = after[1:]
		}
	}
	slices.SortStableFunc(came, func(a, b Event) int { return int(min(max(a.at()-b.at(), -1), 1)) })
	return append(left, came...)
}

// at is the zxid of the change that the event reports.
func (e Event) at() int64 {
	if e.Kind == Joined {
		return e.Member.Token
	}
	return e.Member.mzxid
}
