package waitqueue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// ErrTaken is returned by Try if it would have to wait for another contender.
var ErrTaken = errors.New("another contender is first in line")

// TakenError is an ErrTaken that knows the other contender.
type TakenError struct {
	By string // describes the contender: see Config.Whose
}

func (e *TakenError) Error() string { return ErrTaken.Error() + ": " + e.By }

// Is makes the error match ErrTaken.
func (e *TakenError) Is(target error) bool { return target == ErrTaken }

// Config says where the wait queue is, and which nodes are its contenders.
type Config struct {
	// Manager provides the sessions that own the contenders' nodes.
	Manager *core.Manager
	// Dir is the directory of the wait queue. Join and Try create it if it is
	// missing.
	Dir string
	// Tag precedes the sequence number in the names of our own nodes.
	Tag string
	// Also has the other tags whose nodes count as contenders: the tags of
	// other kinds of contenders, and of other libraries.
	Also []string
	// Compatible has the tags, out of Tag and Also, whose contenders may hold
	// at the same time as ours. Our contender does not wait for them.
	Compatible []string
	// Successors has the tags, out of Tag and Also, whose contenders may leave
	// a successor when they end: another contender with their sequence number.
	// A contender behind such a predecessor lists the directory again when the
	// predecessor is gone.
	Successors []string
	// Data is the data of our own nodes.
	Data []byte
	// Watched has a holder's node watched from the start of the hold. Otherwise
	// the watch is set only if the hold lasts for a moment. It is for holders
	// that check in the middle of their work whether they still hold.
	Watched bool
	// FastPath has the Queue remember a contender that was alone, so that the
	// next one may need no list. It is for wait queues without Compatible and
	// Successors, with few contenders and short holds.
	FastPath bool
	// Whose describes the owner of a contender's node for errors. The default is
	// its path.
	Whose func(path string, data []byte) string
	// Foreign returns an error if the data of the directory shows that the path
	// belongs to another recipe. It is asked only if the directory holds data.
	Foreign func(data []byte) error
	// Err is the error of an invalid option of the recipe, or nil. Every call on
	// the Queue returns it.
	Err error
	// Unreported says that the owner of the Queue reports the waits to the hooks
	// (Manager.Waiting), because the wait in this queue is a part of a longer
	// one.
	Unreported bool
}

// Queue is the wait queue in one directory. Its only state is what lets the next
// contender do without a list (Config.FastPath). It is safe for concurrent use.
type Queue struct {
	m          *core.Manager
	dir        string
	tag        string
	data       []byte
	unreported bool
	watched    bool
	whose      func(path string, data []byte) string
	foreign    func(data []byte) error
	admitted   atomic.Int64 // the Mzxid of data in the directory that is not foreign; 0 before
	err        error

	tags       []string // of all contenders
	blockers   []string // the tags among them for which our contender waits
	compatible []string // the other tags
	successors []string

	fastPath *fastPath // nil without Config.FastPath
}

// New returns the wait queue in a directory. It does no I/O. For an invalid
// path, or with Config.Err, every call on the Queue returns the error.
func New(cfg Config) *Queue {
	l := &Queue{
		m:          cfg.Manager,
		dir:        cfg.Dir,
		tag:        cfg.Tag,
		data:       cfg.Data,
		unreported: cfg.Unreported,
		watched:    cfg.Watched,
		whose:      cfg.Whose,
		foreign:    cfg.Foreign,
		err:        cmp.Or(znode.Validate(cfg.Dir), cfg.Err),
		tags:       append([]string{cfg.Tag}, cfg.Also...),
		successors: cfg.Successors,
	}
	if l.whose == nil {
		l.whose = func(path string, _ []byte) string { return path }
	}
	for _, tag := range l.tags {
		if slices.Contains(cfg.Compatible, tag) {
			l.compatible = append(l.compatible, tag)
		} else {
			l.blockers = append(l.blockers, tag)
		}
	}
	if cfg.FastPath {
		l.fastPath = new(fastPath)
		runtime.AddCleanup(l, (*fastPath).forget, l.fastPath)
	}
	return l
}

// Dir returns the directory of the wait queue.
func (l *Queue) Dir() string {
	l.made()
	return l.dir
}

// made panics for the Queue of a recipe that was not made by its constructor.
func (l *Queue) made() {
	misuse.ZeroValue(l == nil, "lock or election", "its constructor, such as lock.NewMutex or election.New")
}

// Join adds a contender at the end of the wait queue, and blocks until every
// predecessor that it waits for is gone. Without Config.Compatible, it waits
// for all predecessors. If its node is deleted or its session ends during the
// wait, Join starts again at the end, in the next session if need be.
//
// ctx bounds the wait alone, not the hold. When ctx ends, the node is deleted
// in the background, and the error matches both ctx.Err() and
// context.Cause(ctx). It matches core.ErrNotEphemeral too if one of the two
// contenders before it is not ephemeral, or the first in line, after a wait of a
// second. Other errors: core.ErrClosed, a *znode.PathError, and the
// server's errors, such as core.ErrNoAuth. A failed Join leaves no node and no
// waiter behind.
func (l *Queue) Join(ctx context.Context) (*core.Hold, error) {
	return l.acquire(ctx, false, new(Blocker))
}

// JoinTelling is Join that notes in the Blocker which contender it waits for.
func (l *Queue) JoinTelling(ctx context.Context, b *Blocker) (*core.Hold, error) {
	return l.acquire(ctx, false, b)
}

// Try adds a contender, and keeps it only if it need not wait. Otherwise Try
// deletes the node and returns a TakenError. Then it sets no watch: it costs a
// create, a list and a delete, and a read of the other contender at the same
// time as the delete. ctx bounds the requests, which Try repeats while
// no server can be reached. If ctx ends during the delete, the delete goes on
// in the background, and the error matches ErrTaken and ctx.Err(). The other
// errors are the errors of Join.
func (l *Queue) Try(ctx context.Context) (*core.Hold, error) { return l.acquire(ctx, true, nil) }

// acquire makes attempts until one holds, or fails for good, and reports the
// wait to the hooks. b is nil if it only tries.
func (l *Queue) acquire(ctx context.Context, try bool, b *Blocker) (*core.Hold, error) {
	l.made()
	if l.err != nil {
		return nil, l.err
	}
	if l.unreported {
		return l.attempts(ctx, try, b)
	}
	over := l.m.Waiting(ctx, l.dir, try)
	h, err := l.attempts(ctx, try, b)
	over(h, err)
	return h, err
}

func (l *Queue) attempts(ctx context.Context, try bool, b *Blocker) (*core.Hold, error) {
	return InSessions(ctx, l.m, func(s *core.Session) (*core.Hold, error) { return l.attempt(ctx, s, try, b) })
}

// attempt is one pass through the wait queue, within one session. If it fails,
// its node is deleted, in the background if need be.
func (l *Queue) attempt(ctx context.Context, s *core.Session, try bool, b *Blocker) (*core.Hold, error) {
	c, err := l.join(ctx, s)
	if err != nil {
		return nil, err
	}
	c.blocker = b
	h, err := l.pass(ctx, c, try)
	// After ErrTaken and ErrDeleted, the node is already deleted.
	if err != nil && !errors.Is(err, ErrTaken) && !errors.Is(err, core.ErrDeleted) {
		c.Abandon()
	}
	return h, err
}

// join creates our node, and finds its place in the wait queue.
func (l *Queue) join(ctx context.Context, s *core.Session) (*contender, error) {
	var number znode.Seq
	var life *core.Life
	enter := s.Enter
	if l.fastPath != nil {
		var known bool
		if number, life, known = l.fastPath.after(s); known {
			enter = s.EnterUnlisted
		}
	}
	e, self, err := l.createNode(ctx, enter)
	if err != nil {
		return nil, err
	}
	c := &contender{Entry: e, s: s, self: self}
	if e.Children == nil {
		if self == number+1 && life.Lasts() {
			l.fastPath.follows(c, life)
			return c, nil
		}
		if err := e.List(ctx); err != nil {
			return nil, err
		}
	}
	c.dir = e.Dir
	c.view = l.look(e.Children, e.Name, self)
	e.Children = nil // thousands of waiters must not each keep a list of thousands
	if l.fastPath != nil {
		l.fastPath.listed(c, e.Dir)
	}
	return c, nil
}

// createNode creates our node at the end of the wait queue.
//
// Servers number the children of a directory up to 2147483647. Then older
// servers go on with -2147483648. Newer servers assign 2147483647 again and
// again, so the contenders with this number have no order. Therefore no
// contender keeps that number. If a contender gets it twice in a row, the
// server is a newer one.
func (l *Queue) createNode(ctx context.Context,
	enter func(ctx context.Context, dir, tag string, data []byte) (*core.Entry, error)) (*core.Entry, znode.Seq, error) {
	for again := false; ; again = true {
		e, err := enter(ctx, l.dir, l.tag, l.data)
		if err != nil {
			return nil, 0, err
		}
		self, ok := znode.ParseSeq(e.Name, l.tag)
		if ok && self != math.MaxInt32 {
			return e, self, nil
		}
		if err := e.Remove(ctx); err != nil {
			return nil, 0, err
		}
		switch {
		case !ok:
			return nil, 0, fmt.Errorf("the server named the created znode %q, which has no sequence number", e.Name)
		case again:
			return nil, 0, core.ErrExhausted
		}
	}
}

// contender is an attempt that has not ended yet.
type contender struct {
	*core.Entry
	s    *core.Session
	self znode.Seq
	view view
	dir  core.Stat // of the directory, as listed; zero without a list

	// While the contender waits, the timer late sends a watched read of its own
	// node, and own receives the answer. own is nil once the answer has
	// arrived.
	own  <-chan ownNode
	late *time.Timer
	// blocker says for which contender this one waits; nil if it only tries.
	blocker *Blocker
}

// pass begins the hold of a contender that is first. Another contender waits,
// or leaves if it only tries.
func (l *Queue) pass(ctx context.Context, c *contender, try bool) (*core.Hold, error) {
	if err := l.admit(ctx, c); err != nil {
		return nil, err
	}
	if c.view.before > 0 {
		if try {
			return l.leave(ctx, c)
		}
		return l.wait(ctx, c)
	}
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	return l.hold(ctx, c, token)
}

// admit returns the error of a directory whose data belongs to another recipe. A
// directory without data costs no request, and other data one read for each
// version of it.
func (l *Queue) admit(ctx context.Context, c *contender) error {
	if l.foreign == nil || c.dir.DataLength == 0 || l.admitted.Load() == c.dir.Mzxid {
		return nil
	}
	dir, err := c.s.See(ctx, l.dir)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return core.ErrDeleted // our node has gone with it
	case err != nil:
		return err
	}
	if err := l.foreign(dir.Data); err != nil { // a hidden znode has no data
		return err
	}
	l.admitted.Store(c.dir.Mzxid)
	return nil
}

// token returns the fencing token: the zxid of our node's create. All
// contenders behind ours have a greater one. If the answer to the create did
// not have the zxid, token sets the watch that the hold needs anyway, and takes
// the zxid from its read.
func (c *contender) token(ctx context.Context) (int64, error) {
	if c.Czxid != 0 {
		return c.Czxid, nil
	}
	stat, err := c.Watch(ctx)
	return stat.Czxid, err
}

// hold begins the hold, unless ctx or the session has ended, or the node is
// gone.
func (l *Queue) hold(ctx context.Context, c *contender, token int64) (*core.Hold, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.watched {
		return c.HoldWatched(ctx, token, 0)
	}
	return c.Hold(ctx, token)
}

// leave is what Try does if it would have to wait. When ctx ends, Remove goes
// on in the background.
func (l *Queue) leave(ctx context.Context, c *contender) (*core.Hold, error) {
	other := c.view.first
	if len(l.compatible) > 0 {
		other = c.view.pred // the first one may be compatible
	}
	by := make(chan string, 1)
	go func() { by <- l.describe(ctx, c.s, znode.Join(l.dir, other)) }() // ends with ctx or the session
	err := c.Remove(ctx)
	taken := &TakenError{<-by}
	if err != nil {
		return nil, fmt.Errorf("%w; the contender's own znode cannot be deleted: %w", taken, err)
	}
	return nil, taken
}

// describe returns whose the contender at path is, or the path alone if the node
// has gone meanwhile or cannot be read.
func (l *Queue) describe(ctx context.Context, s *core.Session, path string) string {
	node, err := s.See(ctx, path)
	if err != nil {
		return path
	}
	return l.whose(path, node.Data)
}
