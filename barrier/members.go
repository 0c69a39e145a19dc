package barrier

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/session"
)

// Member is a member of a Double, waiting or inside, as its znode describes it.
type Member struct {
	// Owner has the member's id. Without an id, as for a member of another
	// library, ID is the znode's name.
	session.Owner
	// Inside says whether the member belongs to the present round. It is false
	// for every member whose stat the server does not send, because the member
	// is Hidden.
	Inside bool `json:"inside"`
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
// ctx bounds the reads. Errors: the error of ctx; session.ErrClosed; an invalid
// path, count or id; session.ErrNoAuth. Members is safe for concurrent use.
func (d *Double) Members(ctx context.Context) ([]Member, error) {
	s, err := d.Status(ctx)
	return s.Members, err
}

// Status returns the state of the barrier. It reads the znodes in several
// requests, from the connected server, which may lag behind. It is for people
// and tools: do not base decisions on it. A barrier that does not exist has no
// members. A persistent znode with a member's name is not a member.
//
// ctx bounds the reads. Errors: the error of ctx; session.ErrClosed; an invalid
// path, count or id; session.ErrNoAuth. Status is safe for concurrent use.
func (d *Double) Status(ctx context.Context) (Status, error) {
	d.made()
	st, err := d.status(ctx)
	if err != nil {
		return Status{}, d.failed("get barrier status", ctxend.Join(ctx, err))
	}
	return st, nil
}

func (d *Double) status(ctx context.Context) (st Status, err error) {
	if d.err != nil {
		return st, d.err
	}
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
	nodes, err := d.sm.SeeOwners(ctx, paths)
	if err != nil {
		return st, err
	}
	for i, node := range nodes {
		if node == nil || core.Lasting(node.Stat) {
			continue
		}
		m := member(names[i], paths[i], node)
		m.Inside = r != nil && !core.Hidden(node.Stat) && r.has(names[i], node.Stat.Czxid)
		st.Members = append(st.Members, m)
	}
	slices.SortStableFunc(st.Members, func(a, b Member) int { return cmp.Compare(a.Token, b.Token) })
	return st, nil
}

// member describes the member with the node.
func member(name, path string, node *core.Sighting) Member {
	m := Member{Owner: owner.Of(path, node.Stat)}
	m.ID, m.Hidden = name, node.Hidden
	if node.Hidden {
		m.ID = strings.TrimPrefix(name, memberPrefix)
	}
	if d, ours := owner.Parse(node.Data); ours {
		m.Host, m.PID = d.Host, d.PID
		if d.ID != "" {
			m.ID = d.ID
		}
	}
	return m
}
