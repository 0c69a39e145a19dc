package core

import (
	"container/list"
	"context"
	"slices"
	"time"
)

// A watch that was set by a read of a node becomes deaf if a change of the
// node's ACL takes the right to read from the session. Servers do not report
// the change of an ACL, and withhold the node's events from then on. If a later
// change lets the session read the node again, the withheld events are still
// lost.
//
// So the session checks the nodes of its watches one after the other, directly
// after its pings. It begins with the watch that was confirmed longest ago. It
// reads the stat. It fires the watch if the stat differs from the stat of the
// first read, or if the node is hidden. A watch is checked
//
//   - each minute if ACLs are in use: the session has credentials or an ACL for
//     the nodes that it creates, it has met a node that it may not read, or the
//     ACL of the watched node was changed before;
//   - each minute for a waiter that requests it (CheckAlways);
//   - once after each reconnection, otherwise.
//
// A watch that is set again more often is not checked. A session sends at most
// checksAtOnce checks after a ping. So the watches of a session with n watches
// can be deaf for a minute or for n/checksAtOnce pings, whichever is longer. If
// nothing shows that ACLs are in use, a watch can be deaf until the next
// reconnection. The node of a hold is checked more often, in any session: see
// heldNode.
const (
	checkEvery   = time.Minute
	checksAtOnce = 4
)

// usesACLs reports whether the configuration uses ACLs.
func (c Config) usesACLs() bool {
	return len(c.Auth) > 0 || c.SASL != nil || !slices.Equal(c.ACL, WorldACL(PermAll))
}

// sighted is the result of a read that may leave a watch.
type sighted interface{ sighting() presence }

func (n node) sighting() presence     { return presence{stat: n.stat, found: true} }
func (l listing) sighting() presence  { return presence{stat: l.stat, found: true} }
func (p presence) sighting() presence { return p }

// checks has the entries of the watch table that may have to be checked. The
// entry that was confirmed longest ago is in front. It is guarded by the
// table's mu.
type checks struct {
	order list.List // of *watchEntry
	acls  bool      // the session knows that ACLs are in use
	again time.Time // when the session was reconnected last
}

// add moves an entry that was just confirmed to the end. It skips entries that
// a look already covers.
func (c *checks) add(e *watchEntry) {
	if !e.armed || e.fired || e.look != nil || e.place != nil || !e.was.found || e.was.hidden {
		return
	}
	e.confirmed = time.Now()
	e.place = c.order.PushBack(e)
}

// CheckAlways has the session check the watch each minute, even if nothing
// shows that ACLs are in use. It is for a waiter on a node that the session
// owns without a hold.
func (w *Watch) CheckAlways() {
	w.made()
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	w.always = true
}

// checkedAlways reports whether a waiter requests checks in any session. The
// caller holds the table's mu.
func (e *watchEntry) checkedAlways() bool {
	return slices.ContainsFunc(e.waiters, func(w *Watch) bool { return w.always })
}

func (c *checks) remove(e *watchEntry) {
	if e.place != nil {
		c.order.Remove(e.place)
		e.place = nil
	}
}

// due returns the entries that are due for a check.
func (c *checks) due(now time.Time) (due []*watchEntry) {
	for front := c.order.Front(); front != nil && len(due) < checksAtOnce; front = c.order.Front() {
		e := front.Value.(*watchEntry)
		cut := e.confirmed.Before(c.again)
		if !cut && now.Sub(e.confirmed) < checkEvery {
			break
		}
		e.confirmed = now
		c.order.MoveToBack(front)
		if (cut || c.acls || e.was.stat.Aversion != 0 || e.checkedAlways()) && e.wanted() {
			due = append(due, e)
		}
	}
	return due
}

// UsesACLs reports whether the session knows that ACLs are in use: it has
// credentials, or an ACL for the nodes that it creates, or it has met a node
// that it may not read.
func (s *Session) UsesACLs() bool {
	s.made()
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	return s.watches.checks.acls
}

// aclsInUse notes that the session has met a node that it may not read.
func (t *watchTable) aclsInUse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checks.acls = true
}

// reconnected makes every watch due for a check.
func (t *watchTable) reconnected() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checks.again = time.Now()
}

// checkWatches stops the watches of StopLater, and checks the nodes of watches
// in the background, if checks are due.
func (s *Session) checkWatches() {
	t := &s.watches
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopLater()
	for _, e := range t.checks.due(time.Now()) {
		key, was := e.waiters[0].key, e.was
		s.spawn(func() { s.check(key, was, e) })
	}
}

// check fires the entry if its node has changed. If the node is the session's
// own and has an earlier state than the session has seen, check ends the
// session (see continuity.go). Without an answer, it leaves the entry to the
// next check. It keeps the watch on the server, because a withheld event shows
// in the stat.
func (s *Session) check(key watchKey, was presence, e *watchEntry) {
	ctx, cancel := context.WithTimeout(s.ctx, checkEvery)
	defer cancel()
	now, err := s.exists(ctx, s.rel(key.path), false)
	switch {
	case err != nil || !now.differs(was, key.kind):
	case s.owns(now.stat) && (now.stat.Czxid < was.stat.Czxid || now.stat.Mzxid < was.stat.Mzxid):
		s.restored(s.rel(key.path), "is as it was before")
	default:
		s.watches.fireEntry(was.event(now, key.kind), key, e)
	}
}
