package views

import (
	"strings"

	"github.com/docent-go/docent/internal/core"
)

// maxEvents is the greatest number of events that wait for a tree's loop. With
// more events, the tree reads everything again instead.
const maxEvents = 1 << 14

// news is what the session has reported since the loop last checked.
type news struct {
	events []core.Followed
	fired  []*reading // the readings whose watch has fired
	again  bool       // events were missed
}

// hear queues an event of the tree's watch. The session calls it.
func (t *Tree) hear(e core.Followed) {
	t.newsMu.Lock()
	switch {
	case e.Event == core.SessionEnded:
	case e.Event == core.Resumed, len(t.news.events) == maxEvents:
		t.news.again, t.news.events = true, nil
	case !t.news.again:
		t.news.events = append(t.news.events, e)
	}
	t.newsMu.Unlock()
	t.rouse()
}

// fire is called by the session when a one-shot watch has fired.
func (t *Tree) fire(r *reading) {
	t.newsMu.Lock()
	t.news.fired = append(t.news.fired, r)
	t.newsMu.Unlock()
	t.rouse()
}

// absorb processes the news: it stains the readings of everything that has
// changed.
func (t *Tree) absorb() {
	t.newsMu.Lock()
	now := t.news
	t.news.events, t.news.fired = nil, nil
	t.newsMu.Unlock()
	for _, r := range now.fired {
		if r.current() {
			t.dirty[r] = struct{}{}
		}
	}
	if t.again = t.again || now.again; t.again {
		return // everything is read again anyway
	}
	for _, e := range now.events {
		t.apply(e)
	}
}

// apply processes one event of the tree's watch. A read may already have shown
// the change, so it must not matter if the event is applied again: the last
// event of a path decides whether the node exists.
func (t *Tree) apply(e core.Followed) {
	rel, ok := t.rel(e.Path)
	if !ok {
		return
	}
	if rel == "" {
		if e.Event != core.NodeDataChanged {
			t.dropKids(t.root)
			t.forget(t.root, ofList) // the read of its data tells whether it needs a list
		}
		t.stain(t.root, ofData)
		return
	}
	slash := strings.LastIndexByte(rel, '/')
	dir := t.root
	if slash >= 0 {
		dir = t.find(rel[:slash])
	}
	if dir == nil || !t.listed(dir) {
		return
	}
	name := rel[slash+1:]
	if e.Event == core.NodeDataChanged {
		if kid := dir.kids[name]; kid != nil && kid.now[ofData] != nil && !t.isReadOnce(kid) {
			t.stain(kid, ofData)
		}
		return
	}
	t.childChanged(dir, name, e.Event == core.NodeCreated)
}

// isReadOnce reports whether writes to the node are ignored.
func (t *Tree) isReadOnce(n *treeNode) bool {
	return n.seen && t.cfg.ReadOnce != nil && t.cfg.ReadOnce(n.rel)
}

// childChanged processes the creation or the deletion of a child. It always
// stains a reading of the directory. The transaction may have changed more
// nodes, so the known state may not be the state of one instant until the
// server has answered another read.
func (t *Tree) childChanged(dir *treeNode, name string, created bool) {
	data, list, kid := dir.now[ofData], dir.now[ofList], dir.kids[name]
	switch {
	case list == nil:
		if data.err == nil {
			t.stain(dir, ofData) // the read tells whether it needs a list
		}
		return
	case list.err != nil: // the children are as they were last seen
		if kid != nil && kid.now[ofData] != nil {
			t.stain(kid, ofData)
		}
		return
	case data == nil, !list.done, dir.leftOut > 0:
		t.stain(dir, ofList)
	}
	if data != nil {
		t.stain(dir, ofData) // for the stat
	}
	if kid != nil { // one that is made again is another
		t.drop(kid)
		delete(dir.kids, name)
		dir.count--
	}
	if t.stained(list) {
		return // the list decides which children exist
	}
	keeps := t.keeps(dir, name)
	switch {
	case created:
		dir.count++
		if keeps {
			for _, r := range t.bear(dir, name) {
				t.dirty[r] = struct{}{}
			}
		}
	case kid == nil && !keeps:
		dir.count--
	}
}

// rel returns the path of a node relative to the root of the tree, and whether it
// is in the tree.
func (t *Tree) rel(path string) (rel string, ok bool) {
	if path == t.cfg.Path {
		return "", true
	}
	prefix := t.cfg.Path
	if prefix != "/" {
		prefix += "/"
	}
	return strings.CutPrefix(path, prefix)
}
