package groupmembership

import (
	"cmp"
	"context"
	"time"

	"github.com/docent-go/docent/internal/base/bounds"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/internal/recipe/views"
	"github.com/docent-go/docent/session"
)

// Group is a group of processes: a directory with one znode for each member.
// NewGroup returns one. It keeps no state of a member and is safe for
// concurrent use.
type Group struct {
	sm   *core.Manager
	path string
	err  error
	opts groupOptions
}

// GroupOption changes how a group is joined or watched.
type GroupOption func(*groupOptions)

type groupOptions struct {
	conflict standing.Conflict
	pause    time.Duration
	limit    int
	maxBytes int
}

// Defaults of Limit and MaxBytes. The bytes are room for 20,000 members with
// payloads of three kilobytes each.
const (
	DefaultLimit    = views.DefaultLimit
	DefaultMaxBytes = views.DefaultMaxBytes
)

// Limit sets how many members Members and Changes read at most: the first by id.
// The others are left out, and session.ErrLeftOut says so. The default is
// DefaultLimit. A Partitioner has no such limit: all of its members have to plan
// for the same members.
func Limit(n int) GroupOption { return func(o *groupOptions) { o.limit = n } }

// MaxBytes sets how many bytes of ids and payloads Members and Changes read at
// most. Members whose payload does not fit are listed without it
// (Member.Unread), and session.ErrLeftOut says so: session.LeftOut says which.
// The default is DefaultMaxBytes.
func MaxBytes(n int) GroupOption { return func(o *groupOptions) { o.maxBytes = n } }

// Refuse makes Join fail with session.ErrIDTaken at once if a znode with the id
// exists. Without Refuse, Join first waits for the znode to go. It waits for as
// long as the session of a crashed process can last: one and a half session
// timeouts. Refuse and Replace exclude each other.
func Refuse() GroupOption { return func(o *groupOptions) { o.conflict.Choose(standing.Refuse) } }

// Replace makes Join take the place of a member with the same id. The other
// membership is out of the group with session.ErrReplaced, and comes back in by
// itself when the place is free again.
//
// Of several members with one id, the member that joined last has the place,
// for good. An older member may come back in while the newer member's session
// is lost. The newer member takes the place back from it, and the older never
// takes it from the newer. The order is the order of the zxids with which the
// members first came in. A member that comes back carries this zxid in its
// znode's ACL, in an entry without permissions. Replace and Refuse exclude each
// other.
func Replace() GroupOption { return func(o *groupOptions) { o.conflict.Choose(standing.Replace) } }

// Pause is the minimum time between two reads of the same znode or directory in
// a loop over Changes. If the znode changes more often, the state at the end of
// the pause is shown. The default, also for zero, is 50 ms. In a large group
// that changes in bursts, a longer pause saves requests.
func Pause(d time.Duration) GroupOption { return func(o *groupOptions) { o.pause = d } }

// NewGroup returns the group at path, which is below sm's root. It does no I/O.
// If the path or an option cannot be used, every call on the Group returns the
// error.
func NewGroup(sm *session.Manager, path string, opts ...GroupOption) *Group {
	g := &Group{sm: bridge.Core(sm), path: path, err: znode.Validate(path)}
	g.opts.limit, g.opts.maxBytes = DefaultLimit, DefaultMaxBytes
	misuse.Apply("groupmembership.NewGroup", &g.opts, opts)
	g.err = cmp.Or(g.err, g.opts.validate())
	return g
}

func (o groupOptions) validate() error {
	return cmp.Or(bounds.AtLeast("Limit", o.limit, 1), bounds.AtLeast("MaxBytes", o.maxBytes, 1),
		bounds.NotNegative("Pause", o.pause), o.conflict.Err())
}

// made panics for a Group that was not made by NewGroup, or that was given no
// Manager.
func (g *Group) made() {
	misuse.If(g == nil || g.sm == nil, "a Group without a Manager is used: "+
		"get one from groupmembership.NewGroup, with the Manager of session.Dial")
}

// Path returns the group's path.
func (g *Group) Path() string {
	misuse.ZeroValue(g == nil, "or nil groupmembership.Group", "groupmembership.NewGroup")
	return g.path
}

// Join enters the group as id, which no other member may have, and blocks until
// the member's znode exists. The membership then lasts, from session to
// session, until Leave, or until the Manager is closed. payload may be empty.
//
// If a znode with the id exists, Join waits for one and a half session timeouts
// at most (see Refuse and Replace). A member of the same Manager that is
// leaving is waited for in any case. ctx bounds only Join. Errors:
//
//   - an id that cannot be the name of a znode: empty, ".", "..", or with a
//     slash or a control character;
//   - session.ErrIDTaken: another process is in the group under the id;
//   - session.ErrNotEphemeral: a znode without a session has the id;
//   - session.ErrTooLarge; session.ErrClosed;
//   - ctx's, with session.ErrUnreachable if there was no session;
//   - what the server answers, such as session.ErrNoAuth.
//
// If Join fails, nothing is left in the group. A create with an unknown outcome
// is looked for and removed in the background.
func (g *Group) Join(ctx context.Context, id string, payload []byte) (*Membership, error) {
	g.made()
	if err := cmp.Or(g.err, znode.ValidateName(id), znode.Validate(znode.Join(g.path, id))); err != nil {
		return nil, core.Failed("join group", g.path, err)
	}
	m := &Membership{id: id, path: znode.Join(g.path, id)}
	var err error
	m.node, err = standing.Open(ctx, standing.Config{
		Manager: g.sm, Path: m.path, Data: payload, Conflict: g.opts.conflict,
	})
	if err != nil {
		return nil, m.failed("join group", err)
	}
	return m, nil
}
