package mirror

import (
	"slices"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/znode"
)

// part is what of a node is read at once.
type part int

const (
	ofData part = iota
	ofList
	parts
)

// treeNode is a node as the loop knows it.
type treeNode struct {
	name   string
	path   string // of the znode
	level  int    // the root's is 0
	parent *treeNode
	kids   map[string]*treeNode

	seen    bool // value was read at least once
	value   TreeNode
	leftOut int // children beyond the limit
	// now are the newest readings. One is nil where there is none to be had:
	// the list of a node that is missing or lies too deep.
	now [parts]*reading
}

// reading is one read of a part of a node, and the watch that it left. Each
// read gets one of its own, so that the event of an earlier watch is not taken
// for news.
type reading struct {
	n     *treeNode
	part  part
	at    time.Time // when it was asked for; zero if it has not been
	done  bool      // the answer has come
	stat  core.Stat
	err   error       // the refusal, if it was refused
	watch *core.Watch // nil while asked for, and where it was refused
}

// current reports whether nothing newer has taken the reading's place.
func (r *reading) current() bool { return r.n.now[r.part] == r }

// begin forgets what was read in an earlier session, and has everything read
// anew. The published state stays as it is.
func (t *Tree) begin() {
	clear(t.dirty)
	clear(t.refused)
	t.retryAt = time.Time{}
	t.root = &treeNode{path: t.cfg.Path}
	t.remember(t.root)
	for p := range parts {
		t.root.now[p] = &reading{n: t.root, part: p}
		t.dirty[t.root.now[p]] = struct{}{}
	}
}

// remember gives a node that is new to the loop the value it had in the last
// state, to be shown if it may not be read now.
func (t *Tree) remember(n *treeNode) {
	if old := t.state.Load(); old != nil {
		if v := old.Get(n.value.Path); v != nil {
			n.value, n.seen = *v, true
		}
	}
}

// listed reports whether the node's children belong to the tree.
func (t *Tree) listed(n *treeNode) bool { return t.cfg.Depth == 0 || n.level < t.cfg.Depth }

// grow makes the node's children those of the list, and returns what has to be
// read of the new ones. Names that no path of ours could have are left out.
func (t *Tree) grow(n *treeNode, names []string) []*reading {
	var ask []*reading
	names, n.leftOut = t.kept(n, names)
	listed := make(map[string]*treeNode, len(n.kids))
	for _, name := range names {
		if kid := n.kids[name]; kid != nil {
			listed[name] = kid
			delete(n.kids, name)
			continue
		}
		kid := &treeNode{name: name, path: znode.Join(n.path, name), level: n.level + 1, parent: n, value: TreeNode{Path: n.below(name)}}
		t.remember(kid)
		listed[name] = kid
		if t.cfg.NamesOnly {
			kid.seen = true
		} else {
			ask = append(ask, t.ask(kid, ofData))
		}
		if t.listed(kid) {
			ask = append(ask, t.ask(kid, ofList))
		}
	}
	for _, kid := range n.kids {
		t.drop(kid)
	}
	n.kids = listed
	return ask
}

// kept are the names that are mirrored, and how many the limit leaves out.
func (t *Tree) kept(n *treeNode, names []string) (kept []string, leftOut int) {
	kept = slices.DeleteFunc(names, func(name string) bool {
		if n.kids[name] != nil && t.cfg.Limit == 0 {
			return false // it was asked before
		}
		return t.cfg.Keep != nil && !t.cfg.Keep(n.below(name)) || znode.Validate(znode.Join(n.path, name)) != nil
	})
	if most := t.cfg.Limit; most > 0 && len(kept) > most {
		slices.Sort(kept)
		return kept[:most], len(kept) - most
	}
	return kept, 0
}

// below is the relative path of a child.
func (n *treeNode) below(name string) string {
	if n.parent == nil {
		return name
	}
	return n.value.Path + "/" + name
}

// ask begins a reading, which takes the place of the one before.
func (t *Tree) ask(n *treeNode, p part) *reading {
	t.forget(n, p)
	r := &reading{n: n, part: p, at: time.Now()}
	n.now[p] = r
	return r
}

// forget takes a reading out.
func (t *Tree) forget(n *treeNode, p part) {
	r := n.now[p]
	if r == nil {
		return
	}
	if r.watch != nil {
		r.watch.Stop()
	}
	delete(t.dirty, r)
	delete(t.refused, r)
	n.now[p] = nil
}

// drop takes a node out with all that is below it.
func (t *Tree) drop(n *treeNode) {
	for _, kid := range n.kids {
		t.drop(kid)
	}
	n.kids = nil
	for p := range parts {
		t.forget(n, p)
	}
}
