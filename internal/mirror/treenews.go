package mirror

import (
	"strings"

	"github.com/docent-go/docent/internal/core"
)

// maxEvents is how many events a tree keeps whose loop is held up. When there are
// more, it reads everything again instead.
const maxEvents = 1 << 14

// news is what the session has told since the loop last looked.
type news struct {
	events []core.Followed
	fired  []*reading // whose watch has fired
	again  bool       // events were missed
}

// hear takes an event of the tree's watch. The session calls it.
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

// fire is called by the session when a watch of one shot has fired.
func (t *Tree) fire(r *reading) {
	t.newsMu.Lock()
	t.news.fired = append(t.news.fired, r)
	t.newsMu.Unlock()
	t.rouse()
}

// absorb notes what has to be read again since something has changed.
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
		return // what is known may be out of date anyhow
	}
	for _, e := range now.events {
		t.apply(e)
	}
}

// apply takes one event of the tree's watch. It may tell of what a read has shown
// already, so it must not matter if it is applied once more: of the events of one
// path the last decides whether the node is there.
func (t *Tree) apply(e core.Followed) {
	rel, ok := t.rel(e.Path)
	if !ok {
		return
	}
	if rel == "" {
		if e.Event != core.NodeDataChanged {
			t.dropKids(t.root)
			t.forget(t.root, ofList) // its data tells whether there is one
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

// isReadOnce reports whether what is written to the node is left unread.
func (t *Tree) isReadOnce(n *treeNode) bool {
	return n.seen && t.cfg.ReadOnce != nil && t.cfg.ReadOnce(n.rel)
}

// childChanged takes the creation or the deletion of a child. It always has
// something of the directory read again: what is known then need not have been so at
// one instant before the server has answered a read, since the transaction may have
// changed more.
func (t *Tree) childChanged(dir *treeNode, name string, created bool) {
	data, list, kid := dir.now[ofData], dir.now[ofList], dir.kids[name]
	switch {
	case list == nil:
		if data.err == nil {
			t.stain(dir, ofData) // which tells whether there is a list
		}
		return
	case list.err != nil: // the children are those that were seen last
		if kid != nil && kid.now[ofData] != nil {
			t.stain(kid, ofData)
		}
		return
	case data == nil, !list.done, t.cfg.Limit > 0 && (dir.leftOut > 0 || len(dir.kids) >= t.cfg.Limit):
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
		return // it decides which children there are
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
