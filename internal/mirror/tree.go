package mirror

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/treap"
	"github.com/docent-go/docent/internal/znode"
)

// DefaultPause is the Pause of a TreeConfig that names none.
const DefaultPause = 50 * time.Millisecond

// DefaultPatience is the Patience of a TreeConfig that names none.
const DefaultPatience = time.Second

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
	// directory whose names say everything: a change costs one read. Data is nil
	// then, and Stat zero but for what it says of children.
	NamesOnly bool
	// ReadOnce, if set, is asked like Keep. A node for which it is true keeps the data
	// and the stat that it had when it was read: that somebody writes to it costs no
	// read. On servers before ZooKeeper 3.6 it is read again all the same.
	ReadOnce func(rel string) bool
	// Pause is the least time from one round of reads to the next: all that
	// changes meanwhile, whichever nodes it is, is read together when the time is
	// over. Zero is DefaultPause.
	Pause time.Duration
	// Patience is how long the tree looks for an instant at which all was as it has read
	// it, before it shows a state that is Torn. It is two Pauses at least. Zero is
	// DefaultPatience.
	Patience time.Duration
	// OnState is as in Config.
	OnState func(*TreeState)
}

// Tree is a cached copy of a node and of what is below it. It is safe for
// concurrent use. It lives until Close, or until its Manager is closed.
type Tree struct {
	follower
	cfg   TreeConfig
	state atomic.Pointer[TreeState]

	newsMu sync.Mutex
	news   news

	// Of the loop alone.
	lasting  *core.Follower // the watch of the tree; nil where each read leaves one
	again    bool           // all has to be read again
	fresh    bool           // draft may hold nodes that were not found since begin
	root     *treeNode
	draft    draft
	leftOut  int
	dirty    map[*reading]struct{} // to be read again
	refused  map[*reading]struct{} // that the server would not answer
	readAt   time.Time             // when the last round of reads began
	retryAt  time.Time             // when to ask for the refused again; zero if there are none
	holdOff  time.Time             // before which nothing is read
	look     look
	behind   bool          // the server may lag: it has to catch up first
	believed *core.Session // in which a state was believed
	unrest   time.Time     // since when no consistent state was seen; zero if the last round saw one
	top      int64         // the greatest zxid in any state
	back     setback
}

// draft is what is known, be it seen at one instant or not.
type draft struct {
	nodes, hidden treap.Map[TreeNode]
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
	if cfg.Depth < 0 || cfg.Pause < 0 || cfg.Limit < 0 || cfg.Patience < 0 {
		return fail(fmt.Errorf("depth %d, pause %v, limit %d or patience %v is negative", cfg.Depth, cfg.Pause, cfg.Limit, cfg.Patience))
	}
	if cfg.Pause == 0 {
		cfg.Pause = DefaultPause
	}
	if cfg.Patience == 0 {
		cfg.Patience = DefaultPatience
	}
	if _, err := sm.Session(ctx); err != nil {
		return fail(err)
	}
	t := newTree(sm, cfg)
	if err := t.start(ctx, func() { t.each(t.follow) }); err != nil {
		return fail(err)
	}
	return t, nil
}

// newTree makes a tree whose loop does not run yet.
func newTree(sm *core.Manager, cfg TreeConfig) *Tree {
	t := &Tree{cfg: cfg, dirty: make(map[*reading]struct{}), refused: make(map[*reading]struct{})}
	t.init(sm)
	return t
}

// Load returns the newest state.
func (t *Tree) Load() *TreeState { return t.state.Load() }
