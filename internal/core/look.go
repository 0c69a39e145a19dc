package core

import (
	"context"
	"errors"
	"hash/fnv"
	"strconv"
	"time"
)

// A server tells of a node's creation, change and deletion only those who may
// read it at that time, and drops the watch without a word for the others. So
// two watches may be deaf: one on a missing node, which may be created
// unreadable, and one on a hidden node. For these the session looks again, paced,
// for as long as a waiter is left, and fires the watch itself if the node is not
// as it was. A watch that a read of the node has left is not deaf until the node's
// ACL changes: for that the session checks its watches (see checkEvery).
//
// A disconnection adds nothing to this. Of what has changed while the session was
// cut off, the server tells when the watches are set again, whatever the rights.
//
// What stays unknown: a node that is hidden and is deleted and created again,
// hidden, between two looks, where the server keeps the stat back (ZooKeeper since
// 3.8.4 and 3.9.2).

// Pauses between looks. A missing node is usually told of when it is created, so
// that look is a safety. A hidden node is never told of.
const (
	lookMissing     = 10 * time.Second
	lookHiddenFirst = time.Second
	lookHiddenMost  = 10 * time.Second
)

// look is what an entry of the watch table that may be deaf keeps.
type look struct {
	hidden bool
	pause  time.Duration
	timer  *time.Timer
}

// lookAgain has the session look at the node of a watch, which is now missing or
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
		return // if the node has changed since that look, the next one tells
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

// spread returns about d: sessions and paths that begin at one instant do not
// look at one instant.
func (s *Session) spread(path string, d time.Duration) time.Duration {
	h := fnv.New32a()
	h.Write(strconv.AppendInt([]byte(path), s.ID(), 16))
	return d*3/4 + d/2*time.Duration(h.Sum32()%1024)/1024
}

// takeLook looks at the node once, and fires the entry or looks again later.
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

// present asks the server for a node, and renews the watch on a missing one: a
// node that was created unreadable and deleted again has used it up. unread says
// that the node was hidden, so that an old server's stat does not say enough. The
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

// differs reports whether a watch of the kind may have missed something since the
// node was as was. A change of the ACL counts: where the server tells the stat of
// a hidden node, nothing else says that it is hidden now.
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

// event is what a watch of the kind would have told of the change from p to now.
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

// wants reports whether a waiter still asks for the look, and else ends the
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

// NoLook says that the waiter cares only for what servers tell it: a node that
// the session may not read means nothing to it. For its sake the session does
// not look again at the node.
func (w *Watch) NoLook() {
	w.made()
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	w.noLook = true
}

// fireEntry fires an entry unless it has fired or was given up.
func (t *watchTable) fireEntry(event EventType, key watchKey, e *watchEntry) {
	t.mu.Lock()
	if t.entries[key] != e {
		t.mu.Unlock()
		return
	}
	woken := t.take(e, event)
	delete(t.entries, key)
	if _, kept := t.server.kept[key]; kept { // the server has told nothing, and keeps the watch
		t.considerLater(key)
	}
	t.mu.Unlock()
	for _, w := range woken {
		w.wake(event)
	}
}
