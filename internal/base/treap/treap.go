// Package treap is a persistent map with sorted keys. An update copies the
// O(log n) nodes on the path to its key. It shares all other nodes with the
// previous map.
//
// A treap is a search tree by key and a heap by priority. The priority of a key
// is its hash, so the keys alone determine the shape of a map, in whatever
// order they were added. Therefore Diff finds d differences between two maps in
// O(d log n) steps: equal parts are shared or have the same position. A B-tree
// needs fewer steps for a lookup. It needs four times the code, and its shape
// depends on the order of the updates.
package treap

import (
	"hash/maphash"
	"iter"
)

// Map maps strings to values of V. It is immutable, so it is safe for
// concurrent use. The zero value is empty.
type Map[V any] struct {
	root *node[V]
	size int
}

type node[V any] struct {
	key         string
	priority    uint64
	value       *V
	left, right *node[V]
}

var seed = maphash.MakeSeed()

func priority(key string) uint64 { return maphash.String(seed, key) }

// above reports whether n is placed above a node with another key.
func (n *node[V]) above(key string, priority uint64) bool {
	if n.priority != priority {
		return n.priority > priority
	}
	return n.key < key
}

// Len returns how many keys the map has.
func (m Map[V]) Len() int { return m.size }

// Get returns the value of a key, or nil.
func (m Map[V]) Get(key string) *V {
	for n := m.root; n != nil; {
		switch {
		case key < n.key:
			n = n.left
		case key > n.key:
			n = n.right
		default:
			return n.value
		}
	}
	return nil
}

// Put returns the map with the value at the key. The value must not be nil.
func (m Map[V]) Put(key string, value *V) Map[V] {
	if m.Get(key) == nil {
		m.size++
	}
	m.root = m.root.put(key, priority(key), value)
	return m
}

func (n *node[V]) put(key string, priority uint64, value *V) *node[V] {
	switch {
	case n == nil:
		return &node[V]{key: key, priority: priority, value: value}
	case n.key == key:
		return &node[V]{key, priority, value, n.left, n.right}
	case !n.above(key, priority): // so the key is not below n either
		left, right := n.split(key)
		return &node[V]{key, priority, value, left, right}
	case key < n.key:
		return n.with(n.left.put(key, priority, value), n.right)
	}
	return n.with(n.left, n.right.put(key, priority, value))
}

// with returns a copy with other children.
func (n *node[V]) with(left, right *node[V]) *node[V] {
	return &node[V]{n.key, n.priority, n.value, left, right}
}

// split returns the nodes before the key, and the nodes after the key.
func (n *node[V]) split(key string) (before, after *node[V]) {
	switch {
	case n == nil:
		return nil, nil
	case n.key < key:
		before, after = n.right.split(key)
		return n.with(n.left, before), after
	case n.key > key:
		before, after = n.left.split(key)
		return before, n.with(after, n.right)
	}
	return n.left, n.right
}

// Delete returns the map without the key.
func (m Map[V]) Delete(key string) Map[V] {
	if m.Get(key) == nil {
		return m
	}
	m.size--
	m.root = m.root.remove(key)
	return m
}

func (n *node[V]) remove(key string) *node[V] {
	switch {
	case key < n.key:
		return n.with(n.left.remove(key), n.right)
	case key > n.key:
		return n.with(n.left, n.right.remove(key))
	}
	return join(n.left, n.right)
}

// join concatenates two maps. All keys of a are less than all keys of b.
func join[V any](a, b *node[V]) *node[V] {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.above(b.key, b.priority):
		return a.with(a.left, join(a.right, b))
	}
	return b.with(join(a, b.left), b.right)
}

// All yields the keys in order, with their values.
func (m Map[V]) All() iter.Seq2[string, *V] { return m.From("") }

// From yields the keys that are not less than from, in order, with their
// values.
func (m Map[V]) From(from string) iter.Seq2[string, *V] {
	return func(yield func(string, *V) bool) { m.root.walk(from, yield) }
}

func (n *node[V]) walk(from string, yield func(string, *V) bool) bool {
	if n == nil {
		return true
	}
	if n.key < from {
		return n.right.walk(from, yield)
	}
	return n.left.walk(from, yield) && yield(n.key, n.value) && n.right.walk("", yield)
}

// Change is a difference between two maps at one key. Before is nil if the key
// is new. After is nil if the key was deleted.
type Change[V any] struct {
	Key           string
	Before, After *V
}

// Diff yields, in order, the keys whose values are not the same pointer.
func Diff[V any](before, after Map[V]) iter.Seq[Change[V]] {
	return func(yield func(Change[V]) bool) { diff(before.root, after.root, yield) }
}

func diff[V any](a, b *node[V], yield func(Change[V]) bool) bool {
	switch {
	case a == b:
		return true
	case a != nil && b != nil && a.key == b.key:
		return diff(a.left, b.left, yield) && (a.value == b.value || yield(Change[V]{a.key, a.value, b.value})) &&
			diff(a.right, b.right, yield)
	case b == nil || a != nil && a.above(b.key, b.priority): // b does not have a's key, which would be above
		left, right := b.split(a.key)
		return diff(a.left, left, yield) && yield(Change[V]{a.key, a.value, nil}) && diff(a.right, right, yield)
	}
	left, right := a.split(b.key)
	return diff(left, b.left, yield) && yield(Change[V]{b.key, nil, b.value}) && diff(right, b.right, yield)
}

// Differ reports whether the values of two maps are not the same pointers.
func Differ[V any](a, b Map[V]) bool {
	for range Diff(a, b) {
		return true
	}
	return false
}

// Sorted returns the map of values, whose keys must ascend. The result equals a
// sequence of Put calls, without the copies.
func Sorted[V any](values []*V, key func(*V) string) Map[V] {
	var spine []*node[V] // the way from the root to the last key
	for _, v := range values {
		n := &node[V]{key: key(v), value: v}
		n.priority = priority(n.key)
		top := len(spine)
		for top > 0 && n.above(spine[top-1].key, spine[top-1].priority) {
			top--
			n.left = spine[top]
		}
		if spine = spine[:top]; top > 0 {
			spine[top-1].right = n
		}
		spine = append(spine, n)
	}
	if len(spine) == 0 {
		return Map[V]{}
	}
	return Map[V]{spine[0], len(values)}
}
