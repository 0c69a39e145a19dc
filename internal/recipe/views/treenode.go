package views

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// part is the part of a node that one read returns.
type part int

const (
	ofData part = iota
	ofList
	parts
)

// treeNode is the loop's view of a node.
type treeNode struct {
	name   string
	rel    string // the path relative to the root of the tree
	path   string // the path of the znode
	level  int    // the root's is 0
	parent *treeNode
	kids   map[string]*treeNode

	seen      bool // it was read since begin: data and stat are set
	data      []byte
	stat      core.Stat
	count     int    // children, kept or not; only with a persistent watch
	recounted int64  // the Pzxid at which the children were listed again because count was wrong
	leftOut   int    // children beyond the limit
	firstOut  string // the first of them
	weight    int    // what it counts in limits.held
	unread    bool   // its data is beyond MaxBytes: only its stat was read
	// now has the newest reading of each part. The list of a node is nil if the
	// node is missing or too deep.
	now [parts]*reading
}

// reading is one read of a part of a node. If each read leaves a watch, the
// reading also represents the watch, so that the event of an earlier reading is
// ignored.
type reading struct {
	n     *treeNode
	part  part
	stats bool        // it reads the stat without the data
	done  bool        // it was answered
	stat  core.Stat   // the stat of a list with a one-shot watch
	err   error       // the server's refusal, if any
	watch *core.Watch // nil before the answer, after a refusal, and with a persistent watch
}

// current reports whether the reading is the newest of its part.
func (r *reading) current() bool { return r.n.now[r.part] == r }

// begin forgets all readings, and has everything read again. The published
// state remains, and with it the last view of nodes that may not be read now.
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
	t.limits = limits{}
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

// stained reports whether the reading may be out of date.
func (t *Tree) stained(r *reading) bool {
	_, dirty := t.dirty[r]
	return dirty
}

// listed reports whether the node's children belong to the tree.
func (t *Tree) listed(n *treeNode) bool { return n.level < t.cfg.Depth }

// grow sets the node's children from a list, and returns the readings that the
// new ones need. It leaves out names that are invalid in our paths.
func (t *Tree) grow(n *treeNode, names []string) []*reading {
	var ask []*reading
	n.count = len(names)
	names, firstOut, left := t.kept(n, names)
	t.leaveOut(n, firstOut, left-n.leftOut)
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

// bear adds a child, and returns the readings that it needs. With a persistent
// watch, the child's stat tells whether its children have to be listed.
func (t *Tree) bear(n *treeNode, name string) []*reading {
	kid := &treeNode{name: name, rel: n.below(name), path: znode.Join(n.path, name), level: n.level + 1, parent: n}
	if n.kids == nil {
		n.kids = make(map[string]*treeNode)
	}
	n.kids[name] = kid
	t.limits.nodes++
	var ask []*reading
	if t.cfg.NamesOnly {
		kid.seen = true
		t.store(kid, nil)
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

// kept returns the names that may be mirrored, and how many names the limit
// leaves out in any case, with the first of them.
func (t *Tree) kept(n *treeNode, names []string) (kept []string, firstOut string, leftOut int) {
	kept = slices.DeleteFunc(names, func(name string) bool {
		if n.kids[name] != nil && t.cfg.Limit == 0 {
			return false // Keep was asked before
		}
		return !t.keeps(n, name)
	})
	if t.cfg.Limit > 0 || t.cfg.MaxBytes > 0 {
		slices.Sort(kept)
	}
	if limit := t.cfg.Limit; limit > 0 && len(kept) > limit {
		// A copy, because the list may be much longer.
		return slices.Clone(kept[:limit]), kept[limit], len(kept) - limit
	}
	return kept, "", 0
}

// below returns the relative path of a child.
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

// ask begins a reading, which replaces the previous one of that part.
func (t *Tree) ask(n *treeNode, p part) *reading {
	t.forget(n, p)
	r := &reading{n: n, part: p, stats: p == ofData && n.unread}
	n.now[p] = r
	return r
}

// forget removes a reading.
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

// drop removes a node and its descendants.
func (t *Tree) drop(n *treeNode) {
	t.dropKids(n)
	for p := range parts {
		t.forget(n, p)
	}
	t.erase(n)
	t.limits.nodes--
	t.limits.freed = true
	t.weigh(n, 0)
}

// dropKids removes the descendants of a node.
func (t *Tree) dropKids(n *treeNode) {
	for _, kid := range n.kids {
		t.drop(kid)
	}
	t.leaveOut(n, "", -n.leftOut)
	n.kids, n.count = nil, 0
}

// release stops the watches of a node and of its descendants.
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

// draw copies a node into the draft. An unchanged node keeps the same value,
// which the states share.
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
		next.Data, next.Stat, next.Unread = n.data, n.stat, n.unread
		if list := n.now[ofList]; list != nil && list.done && list.err == nil && t.lasting == nil {
			next.Stat.Cversion, next.Stat.NumChildren, next.Stat.Pzxid =
				list.stat.Cversion, list.stat.NumChildren, list.stat.Pzxid
		}
	case err == nil:
		return // it was not read yet
	case old != nil:
		next.Data, next.Stat, next.Unread = old.Data, old.Stat, old.Unread
	default:
		if was := t.draft.hidden.Get(n.rel); was == nil || !sameReason(was.Err, err) {
			t.draft.hidden = t.draft.hidden.Put(n.rel, &next)
		}
		return
	}
	t.draft.hidden = t.draft.hidden.Delete(n.rel)
	if old == nil || old.Stat != next.Stat || old.Unread != next.Unread || !sameReason(old.Err, err) || !bytes.Equal(old.Data, next.Data) {
		t.draft.nodes = t.draft.nodes.Put(n.rel, &next)
	}
}

// erase removes a node from the draft.
func (t *Tree) erase(n *treeNode) {
	t.draft.nodes = t.draft.nodes.Delete(n.rel)
	t.draft.hidden = t.draft.hidden.Delete(n.rel)
}

// sweep removes from the draft the nodes from before begin that were not found
// since. It keeps nodes below a node that may not be read, since they may still
// exist.
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

// isGone reports whether a node of the draft is known to be missing. If that is
// unknown, it requests another sweep.
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
