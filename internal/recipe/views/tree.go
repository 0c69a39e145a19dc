package views

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/treap"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// DefaultPause is the Pause of a TreeConfig that sets none.
const DefaultPause = 50 * time.Millisecond

// MaxDepth is the Depth of a TreeConfig that sets none. A server that shows a
// child below every node would otherwise have the tree read for ever.
const MaxDepth = 256

// DefaultPatience is the Patience of a TreeConfig that sets none.
const DefaultPatience = time.Second

// TreeConfig says what the view shows.
type TreeConfig struct {
	Path string // may be "/"
	// Depth is how many levels below Path are mirrored: 1 means only its
	// children, 0 means MaxDepth.
	Depth int
	// Keep, if set, is called for each node below Path, with its path relative
	// to Path. If it returns false, the node and its descendants are left out,
	// and cost no read. Keep is called on the tree's own goroutine, and must
	// always return the same for a path.
	Keep func(rel string) bool
	// Limit is the greatest number of mirrored nodes below Path: the first in
	// the order of paths, after Keep. MaxBytes is the greatest number of bytes
	// of their names and data. Zero means no limit. limit.go says what is left
	// out.
	Limit, MaxBytes int
	// NamesOnly leaves the data of the nodes below Path unread. It is for a
	// directory in which the names are sufficient: a change costs one read.
	// Then Data is nil, and Stat is zero except for its fields about children.
	NamesOnly bool
	// ReadOnce, if set, is called like Keep. If it returns true, the node keeps
	// the data and the stat of its first read, and a write to it costs no read.
	// With servers before ZooKeeper 3.6, such a node is read again
	// nevertheless.
	ReadOnce func(rel string) bool
	// Pause is the minimum time from one round of reads to the next. All
	// changes in that time are read together at its end, whichever nodes they
	// affect. Zero means DefaultPause.
	Pause time.Duration
	// Patience is how long the tree tries to read a state of one instant before
	// it publishes a Torn state. It is at least two Pauses. Zero means
	// DefaultPatience.
	Patience time.Duration
	// OnState is as in Config.
	OnState func(*TreeState)
}

// Tree is a cached copy of a node and its descendants. It is safe for
// concurrent use. It ends with Close, or with its Manager.
type Tree struct {
	follower
	cfg   TreeConfig
	state atomic.Pointer[TreeState]

	newsMu sync.Mutex
	news   news

	// Only the loop uses the fields below.
	lasting  *core.Follower // the watch of the tree; nil if each read leaves a watch
	again    bool           // everything has to be read again
	fresh    bool           // draft may contain nodes that were not found since begin
	root     *treeNode
	draft    draft
	limits   limits
	dirty    map[*reading]struct{} // to be read again
	refused  map[*reading]struct{} // the server refused them
	readAt   time.Time             // when the last round of reads began
	retryAt  time.Time             // when to repeat the refused readings; zero if there are none
	holdOff  time.Time             // no reads before this time
	look     look
	behind   bool          // the server may lag behind: it has to catch up first
	believed *core.Session // the session in which a state was last believed
	unrest   time.Time     // the time since which no round was consistent; zero if the last round was
	top      int64         // the greatest zxid in any state
	back     setback
}

// draft is everything that was read, whether at one instant or not.
type draft struct {
	nodes, hidden treap.Map[TreeNode]
}

// OpenTree starts a tree and blocks until all of it has been read once, or
// until a server has refused the reads (TreeState.Err). ctx bounds only
// OpenTree.
//
// Errors, without the path: an invalid path; a negative number in cfg; ctx's
// error, with core.ErrUnreachable if there was no session; core.ErrClosed.
func OpenTree(ctx context.Context, sm *core.Manager, cfg TreeConfig) (*Tree, error) {
	if err := znode.ValidateRoot(cfg.Path); err != nil {
		return nil, err
	}
	if cfg.Depth < 0 || cfg.Pause < 0 || cfg.Limit < 0 || cfg.MaxBytes < 0 || cfg.Patience < 0 {
		return nil, fmt.Errorf("depth %d, pause %v, limit %d, %d bytes or patience %v is negative",
			cfg.Depth, cfg.Pause, cfg.Limit, cfg.MaxBytes, cfg.Patience)
	}
	if cfg.Pause == 0 {
		cfg.Pause = DefaultPause
	}
	if cfg.Patience == 0 {
		cfg.Patience = DefaultPatience
	}
	if _, err := sm.Session(ctx); err != nil {
		return nil, err
	}
	t := newTree(sm, cfg)
	if err := t.start(ctx, func() { t.each(t.follow) }); err != nil {
		return nil, err
	}
	return t, nil
}

// newTree returns a tree whose loop does not run yet.
func newTree(sm *core.Manager, cfg TreeConfig) *Tree {
	if cfg.Depth == 0 {
		cfg.Depth = MaxDepth
	}
	t := &Tree{cfg: cfg, dirty: make(map[*reading]struct{}), refused: make(map[*reading]struct{})}
	t.init(sm)
	return t
}

// Load returns the newest state.
func (t *Tree) Load() *TreeState { return t.state.Load() }
