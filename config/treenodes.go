package config

import (
	"iter"

	"github.com/docent-go/docent/internal/base/treap"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/internal/recipe/views"
	"github.com/docent-go/docent/session"
)

// treeNodes is the state that a Tree keeps of its nodes. The cost of a new
// state is the number of its changes.
type treeNodes[T any] struct {
	last    *views.TreeState
	rev     uint64
	decoded map[string]*decodedKey[T]
	beyond  error // says what the limits leave out
	bad     treap.Map[BadValueError]
	hidden  treap.Map[HiddenKey]
	foreign treap.Map[string] // why a node is not a key
}

// decodedKey is the result of decoding a node.
type decodedKey[T any] struct {
	zxid, created int64
	good          bool // key is a value
	key           Key[T]
	bad           *BadValueError
}

// apply makes a new view from a new state of the nodes. The mirror's goroutine
// calls it.
func (t *Tree[T]) apply(st *views.TreeState) {
	old := t.view.Load()
	now := &treeView[T]{TreeSnapshot: old.TreeSnapshot, rev: old.rev, problems: old.problems, next: make(chan struct{})}
	if st.Rev != t.nodes.rev || old.Torn != st.Torn {
		t.nodes.rev = st.Rev
		now.rev++
		now.Exists, now.Torn = st.Exists, st.Torn
	}
	bad, hidden, failure := t.nodes.bad, t.nodes.hidden, error(nil)
	if t.nodes.last != nil {
		failure = t.nodes.last.Err
	}
	if st.Rev > 0 || st.Err == nil {
		t.decodeAll(st, now)
	}
	if treap.Differ(hidden, t.nodes.hidden) {
		now.Hidden = make([]HiddenKey, 0, t.nodes.hidden.Len())
		for _, h := range t.nodes.hidden.All() {
			now.Hidden = append(now.Hidden, *h)
		}
	}
	if now.rev == old.rev && !sameKeys(hidden, t.nodes.hidden) {
		now.rev++
	}
	worse := treap.Differ(bad, t.nodes.bad)
	if worse {
		now.Bad = make([]*BadValueError, 0, t.nodes.bad.Len())
		for _, b := range t.nodes.bad.All() {
			now.Bad = append(now.Bad, b)
		}
	}
	beyond := st.LeftOut.Err(t.schema.limit, t.schema.maxBytes, func(rel string) string { return rel })
	news := !sameText(beyond, t.nodes.beyond)
	if news {
		t.nodes.beyond, now.LeftOut = beyond, session.LeftOut(st.LeftOut)
		if now.rev == old.rev {
			now.rev++
		}
	}
	if worse || news || failure != st.Err {
		now.problems = problemsOf(now.Bad, st.Err, t.nodes.beyond)
	}
	if now.rev == 0 {
		now.rev = 1
	}
	t.nodes.last = st
	t.view.Store(now)
	close(old.next)
}

// sameKeys reports whether two maps have the same keys.
func sameKeys[V any](a, b treap.Map[V]) bool {
	for c := range treap.Diff(a, b) {
		if c.Before == nil || c.After == nil {
			return false
		}
	}
	return true
}

// sameText reports whether two errors have the same text, or both are nil.
func sameText(a, b error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Error() == b.Error()
}

func problemsOf(bad []*BadValueError, failures ...error) []error {
	var problems []error
	for _, b := range bad {
		problems = append(problems, b)
	}
	for _, failure := range failures {
		if failure != nil {
			problems = append(problems, failure)
		}
	}
	return problems
}

// fresh yields the errors of now that are not in told.
func fresh(told, now []error) iter.Seq[error] {
	return func(yield func(error) bool) {
		if len(now) == 0 || len(now) == len(told) && &now[0] == &told[0] {
			return
		}
		known := make(map[error]bool, len(told))
		for _, err := range told {
			known[err] = true
		}
		for _, err := range now {
			if !known[err] && !yield(err) {
				return
			}
		}
	}
}

// decodeAll decodes the nodes that have changed.
func (t *Tree[T]) decodeAll(st *views.TreeState, now *treeView[T]) {
	first := t.nodes.last == nil
	var all []*Key[T]
	for c := range st.Since(t.nodes.last) {
		switch key := t.decodeNode(st, c.Key, c.After); {
		case key == nil:
			now.keys = now.keys.Delete(c.Key)
		case first:
			all = append(all, key)
		default:
			now.keys = now.keys.Put(c.Key, key)
		}
	}
	if first {
		now.keys = treap.Sorted(all, func(k *Key[T]) string { return k.Key })
	}
	for c := range st.HiddenSince(t.nodes.last) {
		t.hide(st, c.Key)
	}
	now.foreign = t.nodes.foreign
}

// decodeNode returns the key of one node, or nil. The node is nil if it is
// gone.
func (t *Tree[T]) decodeNode(st *views.TreeState, path string, n *views.TreeNode) *Key[T] {
	var d *decodedKey[T]
	what := ""
	if n != nil && path != "" && !n.Unread {
		if what = recognise.Node(znode.Join(t.path, path), n.Data, n.Stat); what == "" {
			d = t.decodeKey(n)
		}
	}
	if what != "" {
		t.nodes.foreign = t.nodes.foreign.Put(path, &what)
	} else {
		t.nodes.foreign = t.nodes.foreign.Delete(path)
	}
	if d == nil {
		delete(t.nodes.decoded, path)
	} else {
		t.nodes.decoded[path] = d
	}
	t.hide(st, path)
	if d != nil && d.bad != nil {
		t.nodes.bad = t.nodes.bad.Put(path, d.bad)
	} else {
		t.nodes.bad = t.nodes.bad.Delete(path)
	}
	if d == nil || !d.good {
		return nil
	}
	key := d.key
	if n.Err != nil {
		key.Err = n.Err
	}
	return &key
}

// hide adds a node to the hidden nodes, or removes it, as the state says. A
// node with a good value is not hidden.
func (t *Tree[T]) hide(st *views.TreeState, rel string) {
	err := st.Refused(rel)
	if d := t.nodes.decoded[rel]; err == nil || d != nil && d.good {
		t.nodes.hidden = t.nodes.hidden.Delete(rel)
		return
	}
	path := t.path
	if rel != "" {
		path = znode.Join(t.path, rel)
	}
	t.nodes.hidden = t.nodes.hidden.Put(rel, &HiddenKey{Key: rel, Path: path, Err: err})
}

// decodeKey decodes a node. It returns nil for a directory.
func (t *Tree[T]) decodeKey(n *views.TreeNode) *decodedKey[T] {
	old := t.nodes.decoded[n.Path]
	if old != nil && old.created != n.Stat.Czxid {
		// The node was deleted and created again: a value of the old node is
		// not the last good value of the new one.
		old = nil
	}
	isDir := len(n.Data) == 0 && (n.Stat.NumChildren > 0 || n.Stat.Cversion != 0)
	switch {
	case isDir:
		return nil
	case old != nil && old.zxid == n.Stat.Mzxid:
		return old
	}
	next := &decodedKey[T]{zxid: n.Stat.Mzxid, created: n.Stat.Czxid}
	value, err := t.schema.read(n.Data)
	if err == nil {
		next.good = true
		next.key = Key[T]{
			Key: n.Path, Value: value, Version: n.Stat.Version, Zxid: n.Stat.Mzxid, ModTime: written(n.Stat),
		}
		return next
	}
	if len(n.Data) == 0 && n.Stat.Version == 0 {
		return nil // a directory without keys yet
	}
	next.bad = &BadValueError{Path: znode.Join(t.path, n.Path), Version: n.Stat.Version, Zxid: n.Stat.Mzxid, Err: err}
	if old != nil && old.good {
		next.good, next.key = true, old.key
		next.key.Err = next.bad
	}
	return next
}
