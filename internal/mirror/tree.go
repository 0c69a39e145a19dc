package mirror

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/znode"
)

// DefaultPause is the Pause of a TreeConfig that names none.
const DefaultPause = 50 * time.Millisecond

// TreeConfig says what to mirror.
type TreeConfig struct {
	Path string // may be "/"
	// Depth is how many levels below Path are mirrored: 1 is its children, 0
	// is everything.
	Depth int
	// Keep, if set, is asked for each node below Path, by its path relative to
	// it. A node for which it is false is left out with all that is below it,
	// and costs no read. It is called on the tree's own goroutine, and must
	// always answer the same.
	Keep func(rel string) bool
	// Limit is how many children of one node are mirrored at most: the first
	// in the order of their names, of those that Keep keeps. Zero is no limit.
	// It bounds what a directory costs that somebody has filled with other
	// things.
	Limit int
	// NamesOnly has the data of the nodes below Path left unread, for a
	// directory whose names say everything: a change costs one list. Data is nil
	// then, and Stat zero but for what it says of children.
	NamesOnly bool
	// Pause is the least time between two reads of the same thing, be it the
	// children of a node or its data: what changes more often is read as it
	// is when the time is over. Zero is DefaultPause.
	Pause time.Duration
	// OnState is as in Config.
	OnState func(*TreeState)
}

// TreeNode is one node of a tree.
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
// it refers to is shared by all who load it.
type TreeState struct {
	// Exists says whether the root is there.
	Exists bool
	// Nodes are sorted by Path, so that the root comes first. A node that may
	// not be read, and never was, is in Hidden instead.
	Nodes []TreeNode
	// Hidden are the nodes of which only the path is known, and in Err why they
	// could not be read. They are sorted by Path.
	Hidden []TreeNode
	// Torn says that the nodes may not all have been like this at the same
	// instant: so many changes came that no such instant was seen for a
	// while (see the package's documentation). Each node by itself is right.
	Torn bool
	// LeftOut is how many nodes are left out because of TreeConfig.Limit, not
	// counting those below them.
	LeftOut int
	// Rev grows by one with each change of Exists or Nodes. It stays as it is
	// where only Err, Hidden, Torn or LeftOut has changed, and is zero before the first read.
	Rev uint64
	// Err is why something could not be read last: the first in the order of
	// paths. It is tried again, and is kept as it was last seen; all else is
	// current. It is nil while all is well.
	Err error

	next chan struct{}
}

// Next returns a channel that is closed when there is a newer state.
func (s *TreeState) Next() <-chan struct{} { return s.next }

// Get returns the node with the relative path, or nil.
func (s *TreeState) Get(rel string) *TreeNode { return find(s.Nodes, rel) }

// Refused returns why the node with the relative path could not be read last,
// be it one of Nodes or of Hidden, and nil otherwise.
func (s *TreeState) Refused(rel string) error {
	for _, nodes := range [][]TreeNode{s.Nodes, s.Hidden} {
		if n := find(nodes, rel); n != nil {
			return n.Err
		}
	}
	return nil
}

func find(nodes []TreeNode, rel string) *TreeNode {
	i, found := slices.BinarySearchFunc(nodes, rel, func(n TreeNode, rel string) int {
		return strings.Compare(n.Path, rel)
	})
	if !found {
		return nil
	}
	return &nodes[i]
}

// Tree is a cached copy of a node and of what is below it. It is safe for
// concurrent use. It lives until Close, or until its Manager is closed.
type Tree struct {
	follower
	cfg   TreeConfig
	state atomic.Pointer[TreeState]

	firedMu sync.Mutex
	fired   []*reading // whose watch has fired since the loop last looked

	// Of the loop alone.
	root     *treeNode
	dirty    map[*reading]struct{} // to be read again
	refused  map[*reading]struct{} // that the server would not answer
	retryAt  time.Time             // when to ask for those again; zero if there are none
	holdOff  time.Time             // before which nothing is read
	behind   bool                  // the server may lag: it has to catch up first
	believed *core.Session         // in which a state was believed
	unrest   time.Time             // since when no consistent state was seen; zero if the last round saw one
	top      int64                 // the greatest zxid in any state
	back     setback
}

// OpenTree starts a tree and blocks until all of it has been read once, or
// until a server has refused that (TreeState.Err). ctx bounds OpenTree alone.
//
// Errors, in *session.OpError: an invalid path or depth; ctx's error, with
// core.ErrUnreachable when there was no session; core.ErrClosed.
func OpenTree(ctx context.Context, sm *core.Manager, cfg TreeConfig) (*Tree, error) {
	fail := func(err error) (*Tree, error) {
		return nil, &core.OpError{Op: "open", Path: cfg.Path, Err: err}
	}
	if err := znode.ValidateRoot(cfg.Path); err != nil {
		return fail(err)
	}
	if cfg.Depth < 0 || cfg.Pause < 0 || cfg.Limit < 0 {
		return fail(fmt.Errorf("depth %d, pause %v or limit %d is negative", cfg.Depth, cfg.Pause, cfg.Limit))
	}
	if cfg.Pause == 0 {
		cfg.Pause = DefaultPause
	}
	if _, err := sm.Session(ctx); err != nil {
		return fail(err)
	}
	t := &Tree{cfg: cfg, dirty: make(map[*reading]struct{}), refused: make(map[*reading]struct{})}
	t.init(sm)
	if err := t.start(ctx, func() { t.each(t.follow) }); err != nil {
		return fail(err)
	}
	return t, nil
}

// Load returns the newest state.
func (t *Tree) Load() *TreeState { return t.state.Load() }
