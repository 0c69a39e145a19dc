package mirror

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
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
	rel    string // its path relative to the root of the tree
	path   string // of the znode
	level  int    // the root's is 0
	parent *treeNode
	kids   map[string]*treeNode

	seen      bool // since begin; data and stat are set
	data      []byte
	stat      core.Stat
	count     int   // children, kept or not; where the watch lasts
	recounted int64 // the Pzxid for which they were listed again, since count was wrong
	leftOut   int   // children beyond the limit
	// now are the newest readings. One is nil where there is none to be had:
	// the list of a node that is missing or lies too deep.
	now [parts]*reading
}

// reading is one read of a part of a node. Where each read leaves a watch, the
// reading is the watch's too, so that the event of an earlier one is not taken for
// news.
type reading struct {
	n     *treeNode
	part  part
	done  bool        // the answer has come
	stat  core.Stat   // of a list that has left a watch
	err   error       // the refusal, if it was refused
	watch *core.Watch // nil while asked for, where it was refused, and where the tree's watch does its work
}

// current reports whether nothing newer has taken the reading's place.
func (r *reading) current() bool { return r.n.now[r.part] == r }

// begin forgets what was read, and has everything read anew. The published state
// stays as it is, and with it what a node is shown as that may not be read now.
func (t *Tree) begin() {
	t.newsMu.Lock()
	t.news = news{}
	t.newsMu.Unlock()
	t.again = false
	if t.root != nil {
		t.release(t.root)
	}
	clear(t.dirty)
	clear(t.refused)
	t.retryAt, t.readAt = time.Time{}, time.Time{}
	t.leftOut = 0
	t.draft, t.fresh = draft{}, true
	if old := t.state.Load(); old != nil {
		t.draft = old.draft
	}
	t.root = &treeNode{path: t.cfg.Path}
	for p := range parts {
		t.stain(t.root, p)
	}
}

// stain has a part of a node read again, or for the first time.
func (t *Tree) stain(n *treeNode, p part) {
	if n.now[p] == nil {
		n.now[p] = &reading{n: n, part: p}
	}
	t.dirty[n.now[p]] = struct{}{}
}

// stained reports whether the reading is known to be out of date.
func (t *Tree) stained(r *reading) bool {
	_, dirty := t.dirty[r]
	return dirty
}

// listed reports whether the node's children belong to the tree.
func (t *Tree) listed(n *treeNode) bool { return t.cfg.Depth == 0 || n.level < t.cfg.Depth }

// grow makes the node's children those of the list, and returns what has to be
// read of the new ones. Names that no path of ours could have are left out.
func (t *Tree) grow(n *treeNode, names []string) []*reading {
	var ask []*reading
	n.count = len(names)
	names, left := t.kept(n, names)
	t.leftOut += left - n.leftOut
	n.leftOut = left
	old := n.kids
	n.kids = make(map[string]*treeNode, len(names))
	for _, name := range names {
		if kid := old[name]; kid != nil {
			n.kids[name] = kid
			delete(old, name)
			continue
		}
		ask = append(ask, t.bear(n, name)...)
	}
	for _, kid := range old {
		t.drop(kid)
	}
	return ask
}

// bear adds a child, and returns what has to be read of it. Where the watch lasts,
// its stat tells whether it has children that have to be listed.
func (t *Tree) bear(n *treeNode, name string) []*reading {
	kid := &treeNode{name: name, rel: n.below(name), path: znode.Join(n.path, name), level: n.level + 1, parent: n}
	if n.kids == nil {
		n.kids = make(map[string]*treeNode)
	}
	n.kids[name] = kid
	var ask []*reading
	if t.cfg.NamesOnly {
		kid.seen = true
		t.draw(kid)
	} else {
		ask = append(ask, t.ask(kid, ofData))
	}
	if t.listed(kid) && (t.lasting == nil || t.cfg.NamesOnly) {
		ask = append(ask, t.ask(kid, ofList))
	}
	return ask
}

// keeps reports whether a child belongs to the tree.
func (t *Tree) keeps(n *treeNode, name string) bool {
	return (t.cfg.Keep == nil || t.cfg.Keep(n.below(name))) && znode.Validate(znode.Join(n.path, name)) == nil
}

// kept are the names that are mirrored, and how many the limit leaves out.
func (t *Tree) kept(n *treeNode, names []string) (kept []string, leftOut int) {
	kept = slices.DeleteFunc(names, func(name string) bool {
		if n.kids[name] != nil && t.cfg.Limit == 0 {
			return false // it was asked before
		}
		return !t.keeps(n, name)
	})
	if limit := t.cfg.Limit; limit > 0 && len(kept) > limit {
		slices.Sort(kept)
		return kept[:limit], len(kept) - limit
	}
	return kept, 0
}

// below is the relative path of a child.
func (n *treeNode) below(name string) string {
	if n.parent == nil {
		return name
	}
	return n.rel + "/" + name
}

// find returns the node with the relative path, or nil.
func (t *Tree) find(rel string) *treeNode {
	n := t.root
	for rel != "" && n != nil {
		name, rest, _ := strings.Cut(rel, "/")
		n, rel = n.kids[name], rest
	}
	return n
}

// ask begins a reading, which takes the place of the one before.
func (t *Tree) ask(n *treeNode, p part) *reading {
	t.forget(n, p)
	r := &reading{n: n, part: p}
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
	t.dropKids(n)
	for p := range parts {
		t.forget(n, p)
	}
	t.erase(n)
}

// dropKids takes out all that is below a node.
func (t *Tree) dropKids(n *treeNode) {
	for _, kid := range n.kids {
		t.drop(kid)
	}
	t.leftOut -= n.leftOut
	n.kids, n.leftOut, n.count = nil, 0, 0
}

// release stops the watches of a node and of all that is below it.
func (t *Tree) release(n *treeNode) {
	for _, r := range n.now {
		if r != nil && r.watch != nil {
			r.watch.Stop()
			r.watch = nil
		}
	}
	for _, kid := range n.kids {
		t.release(kid)
	}
}

// draw puts into the draft what is known of a node. What has not changed stays the
// same value, which the states share.
func (t *Tree) draw(n *treeNode) {
	var err error
	for _, r := range n.now {
		if r != nil {
			err = cmp.Or(err, r.err)
		}
	}
	old := t.draft.nodes.Get(n.rel)
	next := TreeNode{Path: n.rel, Err: err}
	switch {
	case n.seen:
		next.Data, next.Stat = n.data, n.stat
		if list := n.now[ofList]; list != nil && list.done && list.err == nil && t.lasting == nil {
			next.Stat.Cversion, next.Stat.NumChildren, next.Stat.Pzxid =
				list.stat.Cversion, list.stat.NumChildren, list.stat.Pzxid
		}
	case err == nil:
		return // it is still to be read
	case old != nil:
		next.Data, next.Stat = old.Data, old.Stat
	default:
		if was := t.draft.hidden.Get(n.rel); was == nil || !sameReason(was.Err, err) {
			t.draft.hidden = t.draft.hidden.Put(n.rel, &next)
		}
		return
	}
	t.draft.hidden = t.draft.hidden.Delete(n.rel)
	if old == nil || old.Stat != next.Stat || !sameReason(old.Err, err) || !bytes.Equal(old.Data, next.Data) {
		t.draft.nodes = t.draft.nodes.Put(n.rel, &next)
	}
}

// erase takes a node out of the draft.
func (t *Tree) erase(n *treeNode) {
	t.draft.nodes = t.draft.nodes.Delete(n.rel)
	t.draft.hidden = t.draft.hidden.Delete(n.rel)
}

// sweep takes out of the draft what was there before begin and was not found since,
// unless it may be there still: below a node that may not be read.
func (t *Tree) sweep() {
	if !t.fresh {
		return
	}
	t.fresh = false
	all := t.draft
	for rel := range all.nodes.All() {
		if t.isGone(rel) {
			t.draft.nodes = t.draft.nodes.Delete(rel)
		}
	}
	for rel := range all.hidden.All() {
		if t.isGone(rel) {
			t.draft.hidden = t.draft.hidden.Delete(rel)
		}
	}
}

// isGone reports whether a node of the draft is known not to be there. If that is not
// known, there will be another sweep.
func (t *Tree) isGone(rel string) bool {
	for n := t.root; ; {
		if rel == "" {
			return false
		}
		name, rest, _ := strings.Cut(rel, "/")
		kid := n.kids[name]
		if kid == nil {
			t.fresh = t.fresh || n.refused()
			return !n.refused()
		}
		n, rel = kid, rest
	}
}

// refused reports whether a part of the node may not be read.
func (n *treeNode) refused() bool {
	return slices.ContainsFunc(n.now[:], func(r *reading) bool { return r != nil && r.err != nil })
}
