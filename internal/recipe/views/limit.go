package views

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/docent-go/docent/internal/core"
)

// The limits of a tree are functions of what the ensemble has, and not of the
// order in which it was read. So all readers with the same limits show the same
// nodes.
//
//   - Limit keeps the first nodes below the root, in the order of paths.
//   - MaxBytes goes through these nodes in the same order. It keeps each node
//     that fits into what the nodes before it have left. So a single large node
//     costs only itself.
//
// A node beyond Limit is not read. Of a node beyond MaxBytes, the tree reads the
// stat, and shows it without its data (TreeNode.Unread). The root always has its
// data, and counts in neither limit.
//
// The sizes are not known before the reads. The tree reads data, in the order of
// paths, until something does not fit, and then stats. At the end of a round it
// decides which nodes fit (fit). It drops data, and reads data, accordingly. So
// the tree reads at most MaxBytes, and a few answers more. It holds at most
// MaxBytes beside the published state.

// DefaultLimit and DefaultMaxBytes are the limits of recipes. 64 MiB is room for
// 20,000 znodes of three kilobytes each.
const (
	DefaultLimit    = 20_000
	DefaultMaxBytes = 64 << 20
)

// maxFits is how often a round reads again because other nodes fit.
const maxFits = 5

// maxFirst is how many paths LeftOut.First has at most.
const maxFirst = 3

// LeftOut is what limits leave out.
type LeftOut struct {
	Znodes int
	// Bytes is how many bytes of names and data MaxBytes leaves out. The sizes of
	// znodes beyond Limit are not known.
	Bytes int64
	// First are the relative paths of the first znodes, in their order.
	First []string
}

// add adds a znode. The znodes beyond Limit are added in their order, and so are
// the znodes beyond MaxBytes.
func (l *LeftOut) add(path string, bytes int) {
	l.Znodes++
	l.Bytes += int64(bytes)
	if len(l.First) < 2*maxFirst {
		l.First = append(l.First, path)
	}
}

// sort puts the first paths in order, and keeps maxFirst of them.
func (l *LeftOut) sort() {
	slices.Sort(l.First)
	l.First = l.First[:min(len(l.First), maxFirst)]
}

func (l LeftOut) equal(other LeftOut) bool {
	return l.Znodes == other.Znodes && l.Bytes == other.Bytes && slices.Equal(l.First, other.First)
}

// Err returns the error that reports what was left out, or nil. It matches
// core.ErrLeftOut. shown writes a path for people.
func (l LeftOut) Err(limit, maxBytes int, shown func(path string) string) error {
	if l.Znodes == 0 {
		return nil
	}
	what := "1 znode is"
	if l.Znodes > 1 {
		what = fmt.Sprintf("%d znodes are", l.Znodes)
	}
	if l.Bytes > 0 {
		what += fmt.Sprintf(" left out, with %d bytes", l.Bytes)
	} else {
		what += " left out"
	}
	return &leftOutError{fmt.Sprintf("%s, the first is %s: the limits are %d znodes (Limit) and %d bytes (MaxBytes); raise them, or delete znodes",
		what, shown(l.First[0]), limit, maxBytes)}
}

// leftOutError is a core.ErrLeftOut with what was left out.
type leftOutError struct{ text string }

func (e *leftOutError) Error() string        { return e.text }
func (e *leftOutError) Is(target error) bool { return target == core.ErrLeftOut }

// limits is what a tree knows about its limits.
type limits struct {
	nodes  int                    // below the root
	short  map[*treeNode]struct{} // the directories with children beyond Limit
	freed  bool                   // nodes have gone since fit
	held   int                    // the bytes of names and data that are held
	unread bool                   // some node may be unread
	beyond LeftOut                // what MaxBytes leaves out, as of the last fit
	full   bool                   // data was read that did not fit
	took   time.Duration          // the last reads; 0 if no directory has children beyond Limit
}

// size returns what a node counts in MaxBytes.
func (t *Tree) size(n *treeNode) int {
	if t.cfg.NamesOnly {
		return len(n.name)
	}
	return len(n.name) + int(n.stat.DataLength)
}

// weigh sets what a node counts in what is held.
func (t *Tree) weigh(n *treeNode, weight int) {
	t.limits.held += weight - n.weight
	n.weight = weight
}

// store keeps the data of a node that was read, if it fits. The reading of a
// stat has no data.
func (t *Tree) store(n *treeNode, data []byte) {
	if n.parent == nil {
		n.data = data
		return
	}
	read := n.now[ofData] == nil || !n.now[ofData].stats
	t.weigh(n, 0)
	if size := t.size(n); t.cfg.MaxBytes > 0 && (!read || t.limits.held+size > t.cfg.MaxBytes) {
		n.data, n.unread, t.limits.unread = nil, true, true
		t.limits.full = t.limits.full || read
		return
	}
	if old := t.draft.nodes.Get(n.rel); old != nil && bytes.Equal(old.Data, data) {
		data = old.Data // one copy for all states
	}
	n.data, n.unread = data, false
	t.weigh(n, t.size(n))
}

// leaveOut adds to the children of a node that are beyond Limit. first is the
// name of one of them.
func (t *Tree) leaveOut(n *treeNode, first string, more int) {
	n.leftOut += more
	switch {
	case n.leftOut == 0:
		n.firstOut = ""
		delete(t.limits.short, n)
		return
	case n.firstOut == "" || first != "" && first < n.firstOut:
		n.firstOut = first
	}
	if t.limits.short == nil {
		t.limits.short = make(map[*treeNode]struct{})
	}
	t.limits.short[n] = struct{}{}
}

// inOrder returns the nodes below the root, in the order of their paths.
func (t *Tree) inOrder() []*treeNode {
	all := make([]*treeNode, 0, t.limits.nodes)
	var add func(n *treeNode)
	add = func(n *treeNode) {
		for _, kid := range n.kids {
			all = append(all, kid)
			add(kid)
		}
	}
	add(t.root)
	slices.SortFunc(all, func(a, b *treeNode) int { return cmp.Compare(a.rel, b.rel) })
	return all
}

// prune removes the nodes beyond Limit. A node that is beyond the limit among
// the nodes found so far is also beyond it among all.
func (t *Tree) prune() {
	if t.cfg.Limit == 0 || t.limits.nodes <= t.cfg.Limit {
		return
	}
	freed := t.limits.freed
	for _, n := range t.inOrder()[t.cfg.Limit:] {
		if n.parent.kids[n.name] != n {
			continue // its parent was removed
		}
		t.drop(n)
		delete(n.parent.kids, n.name)
		t.leaveOut(n.parent, n.name, 1)
	}
	t.limits.freed = freed
}

// fit decides which nodes are within the limits, drops the data of the others,
// and returns the readings that are missing.
func (t *Tree) fit() (ask []*reading) {
	if t.limits.freed {
		for n := range t.limits.short {
			if list := n.now[ofList]; list != nil && list.done && list.err == nil {
				ask = append(ask, t.ask(n, ofList))
			}
		}
	}
	t.limits.freed = false
	if !t.limits.unread {
		return ask
	}
	t.limits.unread, t.limits.beyond = false, LeftOut{}
	left := t.cfg.MaxBytes
	for _, n := range t.inOrder() {
		size := t.size(n)
		switch {
		case !n.seen:
		case size > left:
			t.limits.unread = true
			t.limits.beyond.add(n.rel, size)
			if !n.unread {
				n.unread, n.data = true, nil
				t.weigh(n, 0)
				t.draw(n)
			}
		default:
			left -= size
			if !n.unread {
				continue
			}
			n.unread = false
			if t.cfg.NamesOnly {
				t.weigh(n, size)
				t.draw(n)
			} else if n.now[ofData] != nil {
				ask = append(ask, t.ask(n, ofData))
			}
		}
	}
	return ask
}

// leftOuts returns what both limits leave out.
func (t *Tree) leftOuts() LeftOut {
	all := t.limits.beyond
	all.First = slices.Clone(all.First)
	for n := range t.limits.short {
		all.Znodes += n.leftOut
		all.First = append(all.First, n.below(n.firstOut))
	}
	all.sort()
	return all
}

// partition separates the readings of stats from the others.
func partition(queue []*reading) (stats, rest []*reading) {
	for _, r := range queue {
		if r.stats {
			stats = append(stats, r)
		} else {
			rest = append(rest, r)
		}
	}
	return stats, rest
}

// measured makes readings of data readings of stats.
func (t *Tree) measured(queue []*reading) []*reading {
	for _, r := range queue {
		r.stats = r.part == ofData && r.n.parent != nil
	}
	return queue
}

// readStats performs readings of stats, and returns the readings that their
// answers require.
func (t *Tree) readStats(s *core.Session, queue []*reading) (more []*reading) {
	const together = 16 * window
	for len(queue) > 0 && t.goesOn(s) {
		some := queue[:min(len(queue), together)]
		queue = queue[len(some):]
		results := make([]core.ReadResult, len(some))
		var work errgroup.Group
		work.SetLimit(window)
		for i, r := range some {
			work.Go(func() error {
				stat, found, err := s.Exists(t.ctx, r.n.path)
				results[i] = core.ReadResult{Stat: stat, Err: statError(r.n.path, stat, found, err)}
				return nil
			})
		}
		_ = work.Wait() // each result has its error
		more = append(more, t.takeAll(s, some, results)...)
	}
	return more
}

// statError returns the error that a read of the data would have.
func statError(path string, stat core.Stat, found bool, err error) error {
	switch {
	case err != nil:
		return err
	case !found:
		err = core.ErrNoNode
	case core.Hidden(stat):
		err = core.ErrNoAuth
	default:
		return nil
	}
	return &core.OpError{Op: "exists", Path: path, Err: err}
}
