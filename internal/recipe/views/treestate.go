package views

import (
	"iter"

	"github.com/docent-go/docent/internal/base/treap"
	"github.com/docent-go/docent/internal/core"
)

// TreeNode is one node of a tree. It is immutable: while the node does not
// change, all states share it.
type TreeNode struct {
	Path string // relative to the root of the tree, without a slash before it; "" is the root
	Data []byte
	// Stat is the node's stat. Its fields about children (Cversion,
	// NumChildren, Pzxid) are from the time when a node of the tree last
	// changed.
	Stat core.Stat
	// Unread says that Data is missing, because the node is beyond
	// TreeConfig.MaxBytes.
	Unread bool
	// Err is the error of the last read of the node, or nil. With an error, the
	// other fields are as they were last seen.
	Err error
}

// TreeState is the state of a tree at one time. It is immutable, and shared by
// all readers and by the states before and after it.
type TreeState struct {
	// Exists says whether the root exists.
	Exists bool
	// Torn says that the nodes may not all have been like this at the same
	// instant: changes came so fast that no round of reads was consistent (see
	// the package documentation). Each node by itself is correct.
	Torn bool
	// LeftOut is what TreeConfig.Limit and TreeConfig.MaxBytes leave out. The
	// descendants of a node beyond Limit are not counted.
	LeftOut LeftOut
	// Rev grows by one with each change of Exists or of the nodes. It does not
	// grow if only errors, Hidden, Torn or LeftOut have changed. It is zero
	// before the first read.
	Rev uint64
	// Err is the error of the last read that failed, the first in the order of
	// paths. The read is repeated, and the node is kept as it was last seen.
	// All other nodes are current. Err is nil if all reads succeeded.
	Err error

	draft
	next chan struct{}
}

// Next returns a channel that is closed when a newer state exists.
func (s *TreeState) Next() <-chan struct{} { return s.next }

// All yields the nodes in the order of their paths, so the root comes first. A
// node that the session never could read is in Hidden instead.
func (s *TreeState) All() iter.Seq[*TreeNode] { return values(s.nodes) }

// Len returns the number of nodes, without hidden ones.
func (s *TreeState) Len() int { return s.nodes.Len() }

// Hidden yields the nodes that the session never could read, in the order of
// their paths. Only Path and Err are set.
func (s *TreeState) Hidden() iter.Seq[*TreeNode] { return values(s.hidden) }

// HiddenLen returns how many nodes are hidden.
func (s *TreeState) HiddenLen() int { return s.hidden.Len() }

func values(m treap.Map[TreeNode]) iter.Seq[*TreeNode] {
	return func(yield func(*TreeNode) bool) {
		for _, n := range m.All() {
			if !yield(n) {
				return
			}
		}
	}
}

// Below yields the descendants of a node, in the order of their paths.
func (s *TreeState) Below(rel string) iter.Seq[*TreeNode] {
	return func(yield func(*TreeNode) bool) {
		prefix := rel + "/"
		for path, n := range s.nodes.From(prefix) {
			if len(path) < len(prefix) || path[:len(prefix)] != prefix || !yield(n) {
				return
			}
		}
	}
}

// Get returns the node with the relative path, or nil.
func (s *TreeState) Get(rel string) *TreeNode { return s.nodes.Get(rel) }

// Refused returns the error of the last read of the node with the relative
// path, whether the node is hidden or not. It returns nil if there was none.
func (s *TreeState) Refused(rel string) error {
	if n := s.nodes.Get(rel); n != nil {
		return n.Err
	}
	if n := s.hidden.Get(rel); n != nil {
		return n.Err
	}
	return nil
}

// TreeChange is a difference between two states at one node: its data, its stat
// or its error. Before is nil if the node is new. After is nil if the node is
// gone.
type TreeChange = treap.Change[TreeNode]

// Since yields the nodes that have changed since an older state of the same
// tree, in the order of their paths. With nil, it yields all nodes. Its time
// grows with the number of changed nodes, not with the size of the tree.
func (s *TreeState) Since(old *TreeState) iter.Seq[TreeChange] {
	if old == nil {
		old = new(TreeState)
	}
	return treap.Diff(old.nodes, s.nodes)
}

// HiddenSince is Since for the hidden nodes.
func (s *TreeState) HiddenSince(old *TreeState) iter.Seq[TreeChange] {
	if old == nil {
		old = new(TreeState)
	}
	return treap.Diff(old.hidden, s.hidden)
}

// SameHidden reports whether the same nodes are hidden as in an older state of
// the same tree, whatever the reasons.
func (s *TreeState) SameHidden(old *TreeState) bool {
	for c := range s.HiddenSince(old) {
		if c.Before == nil || c.After == nil {
			return false
		}
	}
	return true
}

// sameNode compares two nodes without the fields about their children.
func sameNode(a, b *TreeNode) bool {
	return a.Stat.Czxid == b.Stat.Czxid && a.Stat.Mzxid == b.Stat.Mzxid &&
		a.Stat.Mtime == b.Stat.Mtime && a.Stat.Version == b.Stat.Version && a.Unread == b.Unread
}

func sameReason(a, b error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return reason(a) == reason(b)
}
