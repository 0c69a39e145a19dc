package mirror

import (
	"iter"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/treap"
)

// TreeNode is one node of a tree. It is never changed: as long as nothing of it
// changes, all states share it.
type TreeNode struct {
	Path string // relative to the root of the tree, without a slash before it; "" is the root
	Data []byte
	// Stat is the node's. What it says of the node's children (Cversion,
	// NumChildren, Pzxid) is as it was when a node of the tree last changed.
	Stat core.Stat
	// Err is why the node could not be read last. The rest is then as it was
	// last seen.
	Err error
}

// TreeState is what is known of a tree at one time. It is never changed: what
// it refers to is shared by all who load it, and by the states before and after.
type TreeState struct {
	// Exists says whether the root is there.
	Exists bool
	// Torn says that the nodes may not all have been like this at the same
	// instant: so many changes came that no such instant was seen for a
	// while (see the package's documentation). Each node by itself is right.
	Torn bool
	// LeftOut is how many nodes are left out because of TreeConfig.Limit, not
	// counting those below them.
	LeftOut int
	// Rev grows by one with each change of Exists or of the nodes. It stays as it is
	// where only errors, Hidden, Torn or LeftOut have changed, and is zero before the first read.
	Rev uint64
	// Err is why something could not be read last: the first in the order of
	// paths. It is tried again, and is kept as it was last seen; all else is
	// current. It is nil while all is well.
	Err error

	draft
	next chan struct{}
}

// Next returns a channel that is closed when there is a newer state.
func (s *TreeState) Next() <-chan struct{} { return s.next }

// All yields the nodes in the order of their paths, so that the root comes first.
// A node that may not be read, and never was, is in Hidden instead.
func (s *TreeState) All() iter.Seq[*TreeNode] { return values(s.nodes) }

// Len returns how many nodes there are.
func (s *TreeState) Len() int { return s.nodes.Len() }

// Hidden yields the nodes of which only the path is known, and in Err why they
// could not be read, in the order of their paths.
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

// Below yields the nodes below a node, in the order of their paths.
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

// Refused returns why the node with the relative path could not be read last,
// whether it is hidden or not, and nil otherwise.
func (s *TreeState) Refused(rel string) error {
	if n := s.nodes.Get(rel); n != nil {
		return n.Err
	}
	if n := s.hidden.Get(rel); n != nil {
		return n.Err
	}
	return nil
}

// TreeChange is what differs between two states at one node: its data, its stat or
// its error. Before is nil where the node is new, and After where it is gone.
type TreeChange = treap.Change[TreeNode]

// Since yields what has changed of the nodes since an older state of the same tree,
// in the order of their paths; all of them with nil. It takes the time of what has
// changed, and not of what stands.
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

// SameHidden reports whether the same nodes are hidden as in an older state of the same
// tree, for whatever reasons.
func (s *TreeState) SameHidden(old *TreeState) bool {
	for c := range s.HiddenSince(old) {
		if c.Before == nil || c.After == nil {
			return false
		}
	}
	return true
}

// sameNode compares what a node holds, apart from what is said of its children.
func sameNode(a, b *TreeNode) bool {
	return a.Stat.Czxid == b.Stat.Czxid && a.Stat.Mzxid == b.Stat.Mzxid &&
		a.Stat.Mtime == b.Stat.Mtime && a.Stat.Version == b.Stat.Version
}

func sameReason(a, b error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return reason(a) == reason(b)
}
