package groupmembership

import (
	"cmp"
	"context"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/standing"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Group is a group of processes: a directory with one node for each member. It
// is safe for concurrent use and keeps nothing of a single member.
type Group struct {
	sm   *core.Manager
	path string
	err  error
	opts options
}

// Option changes how a group is joined or watched.
type Option func(*options)

type options struct {
	conflict standing.Conflict
	pause    time.Duration
}

// Refuse makes Join fail with ErrDuplicate at once if a node stands under the
// id already. Without it Join waits for the node to go for as long as the
// session of a process that has crashed can last: one and a half session
// timeouts.
func Refuse() Option { return func(o *options) { o.conflict = standing.Refuse } }

// Replace makes Join take the place of a member that stands under the id
// already. The other's membership is out of the group with ErrReplaced, and
// comes back in by itself when the place is free again.
//
// Of several members with one id the one that joined last has the place, for
// good: it takes the place back from an older one that came back in while its
// own session was lost, and an older one never takes it from a newer. The order
// is the ensemble's, by the zxid with which a member stood first. A member that
// comes back carries that number in its znode's ACL, in an entry without
// permissions.
func Replace() Option { return func(o *options) { o.conflict = standing.Replace } }

// Pause is the least time between two looks of a Watch at the same thing: what
// changes more often is shown as it is when the time is over. The default, also
// for zero, is 50 ms. In a large group that changes in bursts a longer one
// saves requests.
func Pause(d time.Duration) Option { return func(o *options) { o.pause = d } }

// New returns the group at path. It does no I/O. A path that cannot be used is
// reported by every call on the group.
func New(sm *session.Manager, path string, opts ...Option) *Group {
	g := &Group{sm: bridge.Core(sm), path: path, err: znode.Validate(path)}
	misuse.Apply("groupmembership.New", &g.opts, opts)
	return g
}

// made panics for a Group that New has not made, or was given no Manager.
func (g *Group) made() {
	misuse.If(g == nil || g.sm == nil, "a Group without a Manager is used: get one from groupmembership.New, with the Manager of core.Dial")
}

// Path returns the group's path.
func (g *Group) Path() string {
	misuse.ZeroValue(g == nil, "or nil groupmembership.Group", "groupmembership.New")
	return g.path
}

// Join enters the group as id, which no other member may have, and blocks until
// the member's node stands. The membership then lasts, from session to session,
// until Leave, or until the Manager is closed. payload may be empty.
//
// ctx bounds Join alone. Errors, in a *session.OpError: an id that cannot be
// the name of a node (a *znode.PathError: empty, ".", "..", with a slash or a
// control character); ErrDuplicate; ErrNotMember; ctx's, with
// session.ErrUnreachable when there was no session; session.ErrTooLarge;
// session.ErrClosed; what a server answers, such as session.ErrNoAuth. Nothing is
// left in the group when it fails; where there is doubt, it is looked for and
// removed in the background.
func (g *Group) Join(ctx context.Context, id string, payload []byte) (*Membership, error) {
	g.made()
	if err := cmp.Or(g.err, znode.ValidateName(id), znode.Validate(znode.Join(g.path, id))); err != nil {
		return nil, failed("join", g.path, err)
	}
	m := &Membership{id: id, path: znode.Join(g.path, id)}
	var err error
	m.node, err = standing.Open(ctx, standing.Config{
		Manager: g.sm, Path: m.path, Data: payload, Conflict: g.opts.conflict,
	})
	if err != nil {
		return nil, failed("join", m.path, err)
	}
	return m, nil
}
