package barrier

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/znode"
)

// Member is a member of a Double, waiting or inside, as its node describes it.
// For a node of another library, the fields that its data does not have are
// zero.
type Member struct {
	// ID is the member's id, or the node's name without an id.
	ID   string
	Host string
	PID  int
	// Since is the time at which the node was created, by the clock of the
	// ensemble's leader.
	Since time.Time
	// Session is the id of the session that owns the node.
	Session int64
	// Inside says whether the member belongs to the present round.
	Inside bool
	// Path is the path of the node.
	Path string
	// Hidden says that the node's ACL does not let this session read it. Fields
	// that the server does not send are zero. If it does not send the stat,
	// Inside is false, whether the member is inside or not.
	Hidden bool
}

// Status is the state of a Double.
type Status struct {
	// Ready says whether a round is under way: its members are inside, or have
	// begun to leave.
	Ready bool
	// Token is the token of the round's visits. It is zero without a round, or
	// if the session may not read the znode "ready".
	Token int64
	// Members are the members at the barrier, in the order in which they came.
	Members []Member
}

// Members returns the members at the barrier, in the order in which they came.
// It reads the whole Status.
//
// ctx bounds the reads. The errors are those that Status lists. Members is safe
// for concurrent use.
func (d *Double) Members(ctx context.Context) ([]Member, error) {
	d.made()
	s, err := d.Status(ctx)
	return s.Members, err
}

// Status returns the state of the barrier. It reads the nodes in several
// requests, from the connected server, which may lag behind. It is for people
// and tools: do not base decisions on it. A barrier that does not exist has no
// members.
//
// ctx bounds the reads. Errors: the error of ctx; session.ErrClosed; an invalid
// path, count or id; session.ErrNoAuth. Status is safe for concurrent use.
func (d *Double) Status(ctx context.Context) (Status, error) {
	d.made()
	if d.err != nil {
		return Status{}, d.fail("look at", d.err)
	}
	st, err := d.status(ctx)
	if err != nil {
		return Status{}, d.fail("look at", ctxend.Join(ctx, err))
	}
	return st, nil
}

func (d *Double) status(ctx context.Context) (st Status, err error) {
	children, _, err := d.sm.Children(ctx, d.dir)
	if err != nil && !errors.Is(err, core.ErrNoNode) {
		return st, err
	}
	var r *round
	ready, err := d.sm.See(ctx, d.ready)
	switch {
	case err == nil:
		r = readRound(ready.Data, ready.Stat)
		st.Ready, st.Token = true, r.zxid
	case !errors.Is(err, core.ErrNoNode):
		return st, err
	}
	names := members(children)
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = znode.Join(d.dir, name)
	}
	nodes, err := d.sm.SeeMany(ctx, paths)
	if err != nil {
		return st, err
	}
	for i, node := range nodes {
		if node == nil {
			continue
		}
		name := names[i]
		m := Member{ID: name, Path: paths[i]}
		if m.Hidden = node.Hidden; m.Hidden {
			m.ID = strings.TrimPrefix(name, memberPrefix)
		}
		if !core.Hidden(node.Stat) {
			m.describe(node.Data, node.Stat)
			m.Inside = r != nil && r.has(name, node.Stat.Czxid)
		}
		st.Members = append(st.Members, m)
	}
	slices.SortStableFunc(st.Members, func(a, b Member) int { return a.Since.Compare(b.Since) })
	return st, nil
}

func (m *Member) describe(data []byte, stat core.Stat) {
	who := readOwner(data)
	if who.ID != "" {
		m.ID = who.ID
	}
	m.Host, m.PID = who.Host, who.PID
	m.Since, m.Session = time.UnixMilli(stat.Ctime), stat.EphemeralOwner
}
