package views

import (
	"time"

	"github.com/docent-go/docent/internal/core"
)

// settle publishes the draft after a round, if it can be believed.
func (t *Tree) settle(s *core.Session, torn bool) error {
	t.sweep()
	next := t.compose()
	next.Torn = torn
	old := t.state.Load()
	if t.believed != s && t.older(old, next) {
		if !t.back.historyLost(s) {
			t.begin()
			t.behind = true
			return &core.OpError{Op: "read", Path: t.cfg.Path, Session: s.ID(), Err: ErrHistory}
		}
		t.top = 0
		old = nil // so that top is computed from all nodes
	}
	t.believed, t.back = s, setback{}
	if len(t.refused) == 0 {
		t.retryAt, t.failures = time.Time{}, 0
	} else if t.retryAt.IsZero() {
		t.retryAt = time.Now().Add(t.pause())
	}
	for c := range next.Since(old) {
		if n := c.After; n != nil {
			t.top = max(t.top, n.Stat.Czxid, n.Stat.Mzxid, n.Stat.Pzxid)
		}
	}
	t.accept(next)
	return nil
}

// compose builds a state from the draft.
func (t *Tree) compose() *TreeState {
	st := &TreeState{draft: t.draft, LeftOut: t.leftOuts()}
	failed := "" // the path of st.Err
	for r := range t.refused {
		if rel := r.n.rel; st.Err == nil || rel < failed || rel == failed && r.part == ofData {
			st.Err, failed = r.err, rel
		}
	}
	list := t.root.now[ofList]
	st.Exists = t.root.seen || st.Get("") != nil || list != nil && list.done && list.err == nil
	return st
}

// older reports whether a state shows an older value than an earlier state,
// although its server had caught up. It applies the rule of past to each node:
// a missing node is believed, and an older value is not.
func (t *Tree) older(old, next *TreeState) bool {
	if old == nil || t.believed == nil {
		return false
	}
	if root := next.Get(""); root != nil && next.Exists && !old.Exists && old.Err == nil && root.Stat.Czxid <= t.top {
		return true // it shows a root that was already deleted
	}
	for c := range next.Since(old) {
		before, n := c.Before, c.After
		if before != nil && n != nil && (n.Stat.Mzxid < before.Stat.Mzxid || n.Stat.Pzxid < before.Stat.Pzxid) {
			return true
		}
	}
	return false
}

// accept publishes a believed state, if it is new or begins or ends a failure.
func (t *Tree) accept(next *TreeState) {
	old := t.state.Load()
	if old == nil {
		next.Rev = 1
		t.publish(next)
		return
	}
	next.Rev = old.Rev
	if sameReason(old.Err, next.Err) {
		next.Err = old.Err // so that each failure is reported once
	}
	changed, failure := old.Rev == 0 || old.Exists != next.Exists, false
	for c := range next.Since(old) {
		changed = changed || c.Before == nil || c.After == nil || !sameNode(c.Before, c.After)
		failure = failure || c.Before != nil && c.After != nil && !sameReason(c.Before.Err, c.After.Err)
	}
	for range next.HiddenSince(old) {
		failure = true
	}
	switch {
	case changed:
		next.Rev++
	case failure, old.Torn != next.Torn, !old.LeftOut.equal(next.LeftOut), !sameReason(old.Err, next.Err):
	default:
		return
	}
	t.publish(next)
}

// report publishes why all reads fail, once for each reason.
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
