package mirror

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// settle publishes what the round has read, if it can be believed.
func (t *Tree) settle(s *core.Session, torn bool) error {
	next := t.compose()
	next.Torn = torn
	if t.believed != s && t.older(next) {
		if !t.back.historyLost(s) {
			t.begin()
			t.behind = true
			return &core.OpError{Op: "read", Path: t.cfg.Path, Session: s.ID(), Err: ErrHistory}
		}
		t.top = 0
	}
	t.believed, t.back = s, setback{}
	if len(t.refused) == 0 {
		t.retryAt, t.failures = time.Time{}, 0
	} else if t.retryAt.IsZero() {
		t.retryAt = time.Now().Add(t.pause())
	}
	for _, n := range next.Nodes {
		t.top = max(t.top, n.Stat.Czxid, n.Stat.Mzxid, n.Stat.Pzxid)
	}
	t.accept(next)
	return nil
}

// compose puts together what is known.
func (t *Tree) compose() *TreeState {
	st := new(TreeState)
	failed := "" // the path of st.Err
	var walk func(n *treeNode)
	walk = func(n *treeNode) {
		value := n.value
		value.Err = nil
		st.LeftOut += n.leftOut
		for _, r := range n.now {
			if r == nil || r.err == nil {
				continue
			}
			value.Err = cmp.Or(value.Err, r.err)
			if st.Err == nil || n.value.Path < failed {
				st.Err, failed = r.err, n.value.Path
			}
		}
		if list := n.now[ofList]; list != nil && list.done && list.err == nil {
			st.Exists = st.Exists || n.parent == nil
			value.Stat.Cversion, value.Stat.NumChildren, value.Stat.Pzxid =
				list.stat.Cversion, list.stat.NumChildren, list.stat.Pzxid
		}
		if n.seen {
			st.Exists = st.Exists || n.parent == nil
			st.Nodes = append(st.Nodes, value)
		} else if value.Err != nil {
			st.Hidden = append(st.Hidden, TreeNode{Path: value.Path, Err: value.Err})
		}
		for _, kid := range n.kids {
			walk(kid)
		}
	}
	walk(t.root)
	for _, nodes := range [][]TreeNode{st.Nodes, st.Hidden} {
		slices.SortFunc(nodes, func(a, b TreeNode) int { return strings.Compare(a.Path, b.Path) })
	}
	return st
}

// older reports whether a state, read from a server that had caught up, holds
// something that was newer before. It is the rule of past, node by node: what
// is gone is believed to be gone, and an older value is not.
func (t *Tree) older(next *TreeState) bool {
	old := t.state.Load()
	if old == nil || t.believed == nil {
		return false
	}
	if next.Exists && !old.Exists && old.Err == nil && len(next.Nodes) > 0 && next.Nodes[0].Stat.Czxid <= t.top {
		return true // a root that was deleted
	}
	for _, n := range next.Nodes {
		before := old.Get(n.Path)
		if before != nil && (n.Stat.Mzxid < before.Stat.Mzxid || n.Stat.Pzxid < before.Stat.Pzxid) {
			return true
		}
	}
	return false
}

// accept publishes a state that has been believed, if it brings something new
// or ends or begins a failure.
func (t *Tree) accept(next *TreeState) {
	old := t.state.Load()
	if old == nil {
		next.Rev = 1
		t.publish(next)
		return
	}
	next.Rev = old.Rev
	if old.Rev == 0 || old.Exists != next.Exists || !slices.EqualFunc(old.Nodes, next.Nodes, sameNode) {
		next.Rev++
		t.publish(next)
		return
	}
	if old.Torn != next.Torn || old.LeftOut != next.LeftOut || !sameReason(old.Err, next.Err) ||
		!slices.EqualFunc(old.Nodes, next.Nodes, sameRefusal) || !slices.EqualFunc(old.Hidden, next.Hidden, sameRefusal) {
		t.publish(next)
	}
}

// sameNode compares what a node holds, apart from what is said of its children.
func sameNode(a, b TreeNode) bool {
	return a.Path == b.Path && a.Stat.Czxid == b.Stat.Czxid && a.Stat.Mzxid == b.Stat.Mzxid &&
		a.Stat.Mtime == b.Stat.Mtime && a.Stat.Version == b.Stat.Version
}

func sameRefusal(a, b TreeNode) bool { return a.Path == b.Path && sameReason(a.Err, b.Err) }

func sameReason(a, b error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return reason(a) == reason(b)
}

// report publishes why nothing can be read, once for each reason.
func (t *Tree) report(err error) {
	old := t.state.Load()
	if old == nil {
		t.publish(&TreeState{Err: err})
		return
	}
	if sameReason(old.Err, err) {
		return
	}
	next := *old
	next.Err = err
	t.publish(&next)
}

// publish makes s the newest state. Only the loop calls it.
func (t *Tree) publish(s *TreeState) {
	s.next = make(chan struct{})
	if t.cfg.OnState != nil {
		t.cfg.OnState(s)
	}
	old := t.state.Swap(s)
	if old == nil {
		close(t.first)
		return
	}
	close(old.next)
}
