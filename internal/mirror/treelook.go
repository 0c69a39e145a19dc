package mirror

import (
	"errors"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// Servers withhold the events of a node from sessions that may not read it, and tell
// nobody of the change of an ACL. So the watch of a tree does not tell that a node is
// made that is hidden, nor that one becomes hidden and what happens to it then.
//
// A node that is known to be hidden is asked for again and again. Of one that is not
// known to be, its directory tells: the number of children in its stat, which is read
// whenever a child comes or goes. Where ACLs are in use, the tree looks by itself: each
// lookEvery it reads the root and the next nodes again, in the order of their paths. What
// remains unseen, until its directory changes or the connection is a new one: a hidden
// node where nothing has told the session of ACLs.
const (
	lookEvery = time.Minute
	lookNodes = 256       // that one look reads at most
	lookBytes = 256 << 10 // of data that one look reads at most, unless one node holds more
)

// look is how far a tree has looked by itself.
type look struct {
	acls bool      // the session or the tree has met ACLs
	last time.Time // when the last look was due
	next string    // the path at which the next one begins
}

// meets notes whether an answer tells of ACLs.
func (l *look) meets(a answer) {
	l.acls = l.acls || errors.Is(a.err, core.ErrNoAuth) || a.stat.Aversion != 0
}

// at returns when the next look is due, if one is.
func (l *look) at() (time.Time, bool) { return l.last.Add(lookEvery), l.acls && !l.last.IsZero() }

// lookAround has some nodes read again if that is due.
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
