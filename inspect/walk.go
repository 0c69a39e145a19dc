package inspect

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// node is a node of the tree as it was read. The walk interprets only the names
// of the children, to decide which of them to read.
type node struct {
	path, name   string
	stat         core.Stat
	names        []string // of its children, sorted; nil if it was not listed
	shape        shape    // the recipe of the names
	data         []byte   // nil if it was not read
	oversize     int      // the bytes of a recipe's node whose data was too large to be kept
	out          bool     // it is counted as left out
	parent       *node
	unrecognised map[string]bool // the children that do not belong to shape, unless it is shapePlain
	oldest       string          // with shapeItems: the item that was put first
	hidden       string          // the part that an ACL hides
	depth        int             // below the top of the tree
	planned      bool            // rest has been computed
	rest         []want          // children to be read, but not read yet, since the limit was reached
	kids         []*node         // the children that were read, by name
	omitted      int             // the number of children that should have been read, and were not
	reason       string          // the reason for that
}

func byName(n *node, name string) int { return strings.Compare(n.name, name) }

// kid returns the child of that name, or nil if it was not read.
func (n *node) kid(name string) *node {
	if i, found := slices.BinarySearchFunc(n.kids, name, byName); found {
		return n.kids[i]
	}
	return nil
}

// leaf reports whether the node has no children.
func (n *node) leaf() bool { return n.stat.NumChildren == 0 }

func (n *node) ephemeral() bool { return n.stat.EphemeralOwner != 0 }

// withoutData reports whether the node has data that was not kept: it is larger
// than a recipe's, or did not fit.
func (n *node) withoutData() bool {
	return n.leaf() && n.hidden == "" && n.data == nil && n.stat.DataLength > 0
}

// unknown reports whether the server does not send the node's stat.
func (n *node) unknown() bool { return core.Hidden(n.stat) }

// lasting reports whether the node is known to be persistent.
func (n *node) lasting() bool { return !n.ephemeral() && !n.unknown() }

// want is a child that is to be read.
type want struct {
	parent   *node
	name     string
	ofRecipe bool // the name belongs to a recipe: data and stat are enough
}

// What an ACL can hide.
const (
	hiddenChildren = "children"
	hiddenData     = "data"
	hiddenNode     = "node" // children, data and stat
)

// Reasons for nodes that are not read.
const (
	reasonLimit    = "the limit of znodes was reached"
	reasonChildren = "the znode has more children than the limit for one znode"
	reasonNames    = "the list of the children is longer than the limit of names"
	reasonBytes    = "the limit of bytes was reached"
	reasonDepth    = "the maximum depth was reached"
)

// walk reads the tree at path, breadth first. It returns nil if path does not
// exist.
//
// A level gets half of the rest of the limit, so that thousands of siblings do
// not use up the limit before the levels below are read. The nodes that a level
// has left out are read after the deeper levels, if the limit allows.
func (s *scan) walk(ctx context.Context, path string) (*node, error) {
	_, name := znode.Split(path)
	s.looked++
	top, err := s.readUnknown(ctx, path, name)
	if err != nil || top == nil {
		return nil, err
	}
	s.fit([]*node{top})
	for level := []*node{top}; len(level) > 0; {
		for s.short = nil; len(level) > 0; {
			if level, err = s.descend(ctx, level); err != nil {
				return nil, err
			}
		}
		if s.looked < s.options.limit {
			level = s.short
		}
	}
	for _, n := range s.short {
		n.leaveOut(len(n.rest), reasonLimit)
	}
	return top, nil
}

// leaveOut records that some children are not read.
func (n *node) leaveOut(some int, reason string) {
	if some > 0 {
		n.omitted += some
		n.reason = reason
	}
}

// descend reads the children of a level's nodes, and returns them as the next
// level.
func (s *scan) descend(ctx context.Context, level []*node) ([]*node, error) {
	kids, err := s.expand(ctx, level)
	if err != nil {
		return nil, err
	}
	// The claims of a queue have the names of items. If the directory's name
	// does not say that it has claims, an ephemeral first child does. Then
	// every child is read.
	var claims []*node
	for _, n := range level {
		if first := n.kid(n.oldest); n.shape == shapeItems && first != nil && first.ephemeral() {
			n.shape = shapeClaims
			n.kids, n.planned, n.rest = nil, false, nil
			claims = append(claims, n)
		}
	}
	s.short = slices.DeleteFunc(s.short, func(n *node) bool { return slices.Contains(claims, n) })
	more, err := s.expand(ctx, claims)
	kids = slices.DeleteFunc(kids, func(n *node) bool { return slices.Contains(claims, n.parent) })
	return append(kids, more...), err
}

// expand reads the planned children of the nodes, as far as the limits allow.
func (s *scan) expand(ctx context.Context, nodes []*node) ([]*node, error) {
	plans := make([][]want, len(nodes))
	for i, n := range nodes {
		plans[i] = s.planOf(n)
	}
	left := s.options.limit - s.looked
	for i, most := range share(plans, (left+1)/2) {
		plans[i], nodes[i].rest = plans[i][:most], plans[i][most:]
		if len(nodes[i].rest) > 0 {
			s.short = append(s.short, nodes[i])
		}
		s.looked += most
	}
	wants := slices.Concat(plans...)
	found := make([]*node, len(wants))
	if err := s.visitAll(ctx, wants, found); err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(n *node) bool { return n == nil })
	s.fit(found)
	for _, n := range found {
		n.parent.kids = append(n.parent.kids, n)
	}
	for _, n := range nodes {
		slices.SortFunc(n.kids, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	}
	return found, nil
}

// planOf returns the children of n that are to be read and have not been read.
func (s *scan) planOf(n *node) []want {
	if n.planned {
		return n.rest
	}
	n.planned = true
	plan := slices.DeleteFunc(n.plan(), func(w want) bool { return !s.options.concerns(znode.Join(n.path, w.name)) })
	if s.options.depth >= 0 && n.depth >= s.options.depth {
		n.leaveOut(len(plan), reasonDepth)
		return nil
	}
	most := min(len(plan), s.options.children)
	n.leaveOut(len(plan)-most, reasonChildren)
	return plan[:most]
}

// share returns the number of children of each node that can be read, with a
// sum of at most left. Nodes with many children get less than they want before
// nodes with few do.
func share(plans [][]want, left int) []int {
	shares := make([]int, len(plans))
	lo, hi := 0, 0 // bounds of the share that every node can have
	for _, p := range plans {
		hi = max(hi, len(p))
	}
	for lo < hi {
		fair, sum := (lo+hi+1)/2, 0
		for _, p := range plans {
			sum += min(len(p), fair)
		}
		if sum <= left {
			lo = fair
		} else {
			hi = fair - 1
		}
	}
	for i, p := range plans {
		shares[i] = min(len(p), lo)
		left -= shares[i]
	}
	for i, p := range plans { // the rest, which is less than one for each node
		if left > 0 && shares[i] < len(p) {
			shares[i]++
			left--
		}
	}
	return shares
}

// visit reads a wanted node. It returns nil if the node is gone.
func (s *scan) visit(ctx context.Context, w want) (*node, error) {
	path := znode.Join(w.parent.path, w.name)
	var n *node
	var err error
	if w.ofRecipe {
		n, err = s.readKnown(ctx, path, w.name)
	} else {
		n, err = s.readUnknown(ctx, path, w.name)
	}
	if n != nil {
		n.parent, n.depth = w.parent, w.parent.depth+1
	}
	return n, err
}

// readKnown reads the data and the stat of a recipe's node. A node that may not
// be read has its name, and its stat if the server sends it.
func (s *scan) readKnown(ctx context.Context, path, name string) (*node, error) {
	seen, err := s.see(ctx, path)
	switch {
	case gone(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	n := nodeOf(path, name, seen)
	n.trim()
	return n, nil
}

// nodeOf returns a node without its children.
func nodeOf(path, name string, seen core.Sighting) *node {
	n := &node{path: path, name: name, stat: seen.Stat, data: seen.Data}
	switch {
	case n.unknown():
		n.hidden = hiddenNode
	case seen.Hidden:
		n.hidden = hiddenData
	}
	return n
}

// readUnknown reads a node that may be anything: its stat, and then the names
// of its children or its data, unless they are too large.
func (s *scan) readUnknown(ctx context.Context, path, name string) (*node, error) {
	stat, found, err := s.stat(ctx, path)
	if err != nil || !found {
		return nil, err
	}
	n := &node{path: path, name: name, stat: stat}
	if core.Hidden(stat) {
		n.hidden = hiddenNode
		return n, nil
	}
	wanted, err := s.open(ctx, n)
	switch {
	case gone(err):
		return nil, nil
	case err != nil || !wanted:
		return n, err
	}
	switch n.data, _, err = s.read(ctx, path); {
	case gone(err):
		return nil, nil
	case refused(err):
		n.hidden = cmp.Or(n.hidden, hiddenData)
		return n, nil
	case len(n.data) > maxData: // it has grown, or the server has said another length
		n.data = nil
	}
	return n, err
}

// open lists the children of n, if there are any, and reports whether its data
// is to be read. A scan with watches lists a znode without children too: no
// other watch reports the first child. An ephemeral znode never has one.
func (s *scan) open(ctx context.Context, n *node) (wanted bool, err error) {
	if n.stat.NumChildren > 0 || s.changed != nil && !n.ephemeral() {
		if err := s.names(ctx, n); err != nil {
			return false, err
		}
	}
	size, most := n.stat.DataLength, int32(maxData)
	if n.stat.NumChildren > 0 {
		most = maxNumber
		if n.shape == shapeCalls {
			most = maxData // a record
		}
	}
	return size > 0 && size <= most, nil
}

// names lists the children of n, unless there are too many.
func (s *scan) names(ctx context.Context, n *node) error {
	if !s.spendNames(int(n.stat.NumChildren)) {
		n.omitted, n.reason = int(n.stat.NumChildren), reasonNames
		return nil
	}
	names, stat, err := s.list(ctx, n.path)
	if refused(err) {
		s.missesChildren()
		if n.stat.NumChildren > 0 {
			n.hidden = hiddenChildren
		}
		return nil
	}
	if err != nil {
		return err
	}
	if more := len(names) - int(n.stat.NumChildren); more > 0 && !s.spendNames(more) {
		n.omitted, n.reason = len(names), reasonNames
		return nil
	}
	if n.stat = stat; len(names) == 0 {
		return nil
	}
	if n.path == "/" {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "zookeeper" })
	}
	slices.Sort(names)
	n.names = names
	n.recognise()
	return nil
}
