package barrier

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/znode"
)

// Member is somebody who stands at a Double, waiting or inside, as its node
// tells. Of a node that another library made, what is not known is zero.
type Member struct {
	// ID is the one that was given, or the node's name where none was.
	ID   string
	Host string
	PID  int
	// Since is when the node was made, by the clock of the ensemble's leader.
	Since time.Time
	// Session is the id of the session that owns the node.
	Session int64
	// Inside says whether the member belongs to the round that is under way.
	Inside bool
	// Path is the node's.
	Path string
	// Hidden says that the node's ACL does not let this session read it. What the
	// server keeps back is zero; Inside may be wrong where that is the stat.
	Hidden bool
}

// Status is what stands at a Double.
type Status struct {
	// Ready says whether a round is under way: its members are inside, or
	// have begun to leave.
	Ready bool
	// Token is that of the round's visits; zero where there is no round, or where
	// the session may not read the znode "ready".
	Token int64
	// Members are those who stand, first come first.
	Members []Member
}

// Members returns who stands at the barrier, first come first. What is said of
// Status holds for it too.
func (d *Double) Members(ctx context.Context) ([]Member, error) {
	d.made()
	s, err := d.Status(ctx)
	return s.Members, err
}

// Status tells what stands at the barrier. It reads every node, one after the
// other, from the server we are connected to, which may lag behind: it is for
// people and tools, and no base for decisions. A barrier that does not exist
// has nobody at it.
//
// ctx bounds the reads. Errors: ctx's; session.ErrClosed; what the Double was
// made with; session.ErrNoAuth.
func (d *Double) Status(ctx context.Context) (Status, error) {
	d.made()
	if d.err != nil {
		return Status{}, d.fail("look at", d.err)
	}
	st, err := d.status(ctx)
	if err != nil {
		return Status{}, d.fail("look at", gaveUp(ctx, err))
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
