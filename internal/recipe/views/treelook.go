package views

import (
	"errors"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// Servers withhold the events of a node from sessions that may not read it, and
// do not report the change of an ACL. So the watch of a tree reports neither
// the creation of a hidden node, nor that a node becomes hidden, nor what
// happens to it then.
//
// A known hidden node is read again and again. An unknown one is found by its
// directory's stat, which has the number of children. That stat is read
// whenever a child is created or deleted. If ACLs are in use, the tree also
// looks by itself: every lookEvery it reads the root and the next nodes again,
// in the order of their paths. Otherwise a hidden node can remain unnoticed
// until its directory changes or the session reconnects.
const (
	lookEvery = time.Minute
	lookNodes = 256       // the most nodes that one look reads
	lookBytes = 256 << 10 // the most bytes of data that one look reads, unless one node has more
)

// look is the progress of a tree's own looks.
type look struct {
	acls bool      // the session or the tree has met ACLs
	last time.Time // when the last look began
	next string    // the path at which the next look begins
}

// meets notes whether an answer shows that ACLs are in use.
func (l *look) meets(a answer) {
	l.acls = l.acls || errors.Is(a.err, core.ErrNoAuth) || a.stat.Aversion != 0
}

// at returns the time of the next look, if there will be one.
func (l *look) at() (time.Time, bool) { return l.last.Add(lookEvery), l.acls && !l.last.IsZero() }

// lookAround has some nodes read again, if a look is due.
func (t *Tree) lookAround() {
	if at, looks := t.look.at(); !looks || time.Until(at) > 0 {
		return
	}
	t.look.last = time.Now()
	nodes, size := 0, 0
	reads := func(rel string, data []byte) bool {
		n := t.find(rel)
		if n == nil || n.now[ofData] == nil {
			return true
		}
		nodes++
		size += len(data)
		if nodes > 1 && (nodes > lookNodes || size > lookBytes) {
			t.look.next = rel
			return false
		}
		t.stain(n, ofData)
		return true
	}
	if root := t.draft.nodes.Get(""); root != nil {
		reads("", root.Data)
	}
	from := t.look.next
	t.look.next = ""
	for rel, n := range t.draft.nodes.From(from) {
		if rel != "" && !reads(rel, n.Data) {
			return
		}
	}
}
