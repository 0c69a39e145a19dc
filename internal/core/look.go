package core

import (
	"context"
	"errors"
	"hash/fnv"
	"strconv"
	"time"
)

// A server reports a node's creation, change and deletion only to sessions that
// may read it at that time, and drops the watches of the others silently. So
// two kinds of watches may be deaf: a watch on a missing node, which may be
// created unreadable, and a watch on a hidden node. The session reads these
// nodes again, with pauses, while a waiter is left. It fires the watch itself
// if the node has changed. A watch that was set by a read of the node becomes
// deaf only if the node's ACL changes: for that, the session checks its watches
// (see checkEvery).
//
// A disconnection does not add to this. When the watches are set again, the
// server reports the changes during the disconnection regardless of rights.
//
// One case remains unknown: a hidden node is deleted and created again, hidden,
// between two looks, and the server withholds the stat (ZooKeeper since 3.8.4
// and 3.9.2).

// Pauses between looks. The creation of a missing node is usually reported by
// an event, so its look is only a safeguard. Events of a hidden node never
// come.
const (
	lookMissing     = 10 * time.Second
	lookHiddenFirst = time.Second
	lookHiddenMost  = 10 * time.Second
)

// look is the state of a watch entry that may be deaf.
type look struct {
	hidden bool
	pause  time.Duration
	timer  *time.Timer
}

// lookAgain schedules looks at the node of a watch, which is now missing or
// hidden.
func (s *Session) lookAgain(w *Watch, path string, now presence) {
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	s.watches.checks.acls = s.watches.checks.acls || now.hidden
	e := w.entry
	if e == nil || e.fired || w.index < 0 {
		return
	}
	if now.hidden && Hidden(now.stat) {
		e.armed = false // the server has refused the watch, or has dropped it
	}
	if e.look != nil {
		return // if the node has changed since that look, the next look notices
	}
	l := &look{hidden: now.hidden, pause: lookMissing}
	if l.hidden {
		l.pause = lookHiddenFirst
	}
	s.watches.checks.remove(e)
	e.look = l
	l.timer = time.AfterFunc(s.spread(path, l.pause), func() {
		s.spawn(func() { s.takeLook(w.key, path, e, l) })
	})
}

// spread returns about d, so that sessions and paths that begin at the same
// instant do not look at the same instant.
func (s *Session) spread(path string, d time.Duration) time.Duration {
	h := fnv.New32a()
	h.Write(strconv.AppendInt([]byte(path), s.ID(), 16))
	return d*3/4 + d/2*time.Duration(h.Sum32()%1024)/1024
}

// takeLook reads the node once, and fires the entry or schedules the next look.
func (s *Session) takeLook(key watchKey, path string, e *watchEntry, l *look) {
	if !s.watches.wants(e, l) {
		return
	}
	now, err := s.present(path, l.hidden)
	if err == nil && now.differs(e.was, key.kind) {
		s.watches.fireEntry(e.was.event(now, key.kind), key, e)
		return
	}
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	if e.look != l {
		return
	}
	if l.hidden {
		l.pause = min(2*l.pause, lookHiddenMost)
	}
	l.timer.Reset(s.spread(path, l.pause))
}

// present reads a node, and renews the watch on a missing one: a node that was
// created unreadable and deleted again has used that watch up. unread says that
// the node was hidden, so that an old server's stat is not sufficient. The
// requests end with the session.
func (s *Session) present(path string, unread bool) (presence, error) {
	ctx := context.Background()
	p, err := s.exists(ctx, path, true)
	if err != nil || !p.found || p.hidden || !unread {
		return p, err
	}
	_, err = s.get(ctx, path, false)
	switch {
	case errors.Is(err, ErrNoAuth):
		p.hidden = true
		return p, nil
	case errors.Is(err, ErrNoNode):
		return presence{}, nil
	}
	return p, err
}

// differs reports whether a watch of the kind may have missed a change since
// the node was in the state was. A change of the ACL counts: if the server
// returns the stat of a hidden node, nothing else shows that the node is hidden
// now.
func (p presence) differs(was presence, kind watchKind) bool {
	if p.found != was.found || p.hidden != was.hidden ||
		p.stat.Czxid != was.stat.Czxid || p.stat.Aversion != was.stat.Aversion {
		return true
	}
	if kind == childWatch {
		return p.stat.Pzxid != was.stat.Pzxid
	}
	return p.stat.Mzxid != was.stat.Mzxid
}

// event returns the event of a watch of the kind for the change from p to now.
func (p presence) event(now presence, kind watchKind) EventType {
	switch {
	case !now.found:
		return NodeDeleted
	case kind == childWatch:
		return NodeChildrenChanged
	case !p.found:
		return NodeCreated
	}
	return NodeDataChanged
}

// wants reports whether a waiter still needs the look. Otherwise it ends the
// looks at the node.
func (t *watchTable) wants(e *watchEntry, l *look) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.look != l {
		return false
	}
	if e.wanted() {
		return true
	}
	t.quiet(e)
	return false
}

// NoLook says that the waiter needs only the server's own events: it does not
// care about a node that the session may not read. The session does not look at
// the node for this waiter.
func (w *Watch) NoLook() {
	w.made()
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	w.noLook = true
}

// fireEntry fires an entry unless it has fired or was dropped.
func (t *watchTable) fireEntry(event EventType, key watchKey, e *watchEntry) {
	t.mu.Lock()
	if t.entries[key] != e {
		t.mu.Unlock()
		return
	}
	woken := t.take(e, event)
	delete(t.entries, key)
	if _, kept := t.server.kept[key]; kept { // the server has sent no event, and keeps the watch
		t.considerLater(key)
	}
	t.mu.Unlock()
	for _, w := range woken {
		w.wake(event)
	}
}
