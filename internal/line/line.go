package line

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// ErrTaken is returned by Try when it would have to wait for somebody.
var ErrTaken = errors.New("somebody else is first in line")

// ErrExhausted is returned when the directory has no sequence number left that
// could order a contender among the others.
var ErrExhausted = errors.New("the directory has used up its 2147483647 sequence numbers: " +
	"delete it once it is empty, and it begins anew")

// Config says where a line is and who counts in it.
type Config struct {
	// Manager gives the sessions in which contenders stand.
	Manager *session.Manager
	// Dir is the directory of the line. It is made when somebody joins.
	Dir string
	// Tag stands before the sequence number in the names of our own nodes.
	Tag string
	// Also are the other tags whose nodes count as contenders: those of other
	// kinds, and of other libraries.
	Also []string
	// Beside are those of Tag and Also whose contenders do not keep ours waiting
	// when they stand before them: they may hold at the same time.
	Beside []string
	// Heirs are those of Tag and Also whose contenders may leave another in
	// their place when they go, with a number of theirs: who waits for such a one
	// looks again when it has gone.
	Heirs []string
	// Data is what our own nodes hold.
	Data []byte
	// Part says that to stand in the line is but a part of a wait, of which the
	// line's owner tells the hooks (Manager.Waiting).
	Part bool
}

// Line is the line in one directory. It keeps nothing of a single contender
// and is safe for concurrent use.
type Line struct {
	m    *session.Manager
	dir  string
	tag  string
	data []byte
	part bool
	err  error

	tags     []string // of all contenders
	blockers []string // of those among them who keep ours waiting
	beside   []string // of the others
	heirs    []string
}

// New returns the line in a directory. It does no I/O. A path that cannot be
// used is reported by every call on the line.
func New(cfg Config) *Line {
	l := &Line{
		m:     cfg.Manager,
		dir:   cfg.Dir,
		tag:   cfg.Tag,
		data:  cfg.Data,
		part:  cfg.Part,
		err:   znode.Validate(cfg.Dir),
		tags:  append([]string{cfg.Tag}, cfg.Also...),
		heirs: cfg.Heirs,
	}
	for _, tag := range l.tags {
		if slices.Contains(cfg.Beside, tag) {
			l.beside = append(l.beside, tag)
		} else {
			l.blockers = append(l.blockers, tag)
		}
	}
	return l
}

// Dir returns the directory of the line.
func (l *Line) Dir() string { return l.dir }

// Join enters the line at its end and waits until nobody stands before it who
// keeps it waiting: until it is first, where nobody may hold beside it. When its node
// is deleted or its session ends while it waits, it starts again at the end, in
// the next session if need be.
//
// ctx bounds the wait alone, not the hold. When it ends, the node is removed in
// the background and the error matches both ctx.Err() and context.Cause(ctx).
// Other errors: session.ErrClosed, a *znode.PathError, and what the server
// answers, such as zk.ErrNoAuth. Join leaves no node and no waiter behind when
// it fails.
func (l *Line) Join(ctx context.Context) (*session.Hold, error) { return l.enter(ctx, false, l.wait) }

// Try enters the line and stays only if it need not wait; otherwise it leaves
// again and returns ErrTaken. It sets no watch then: it costs a create, a list and a
// delete. ctx bounds the requests, which are repeated while no server can be
// reached; when it ends while the node is being removed, that goes on in the
// background, and the error matches ErrTaken and ctx.Err(). Other errors are
// those of Join.
func (l *Line) Try(ctx context.Context) (*session.Hold, error) { return l.enter(ctx, true, l.leave) }

// Pauses between two attempts whose nodes were deleted under us. The first new
// attempt follows at once.
const (
	leastPause = 10 * time.Millisecond
	mostPause  = time.Second
)

// enter runs attempts until one holds, or fails for good. behind decides what
// becomes of a contender that somebody stands before.
func (l *Line) enter(ctx context.Context, try bool,
	behind func(context.Context, *contender) (*session.Hold, error)) (*session.Hold, error) {
	if l.err != nil {
		return nil, l.err
	}
	if l.part {
		return l.attempts(ctx, behind)
	}
	over := l.m.Waiting(ctx, l.dir, try)
	h, err := l.attempts(ctx, behind)
	over(h, err)
	return h, err
}

func (l *Line) attempts(ctx context.Context, behind func(context.Context, *contender) (*session.Hold, error)) (*session.Hold, error) {
	for n := 0; ; n++ {
		s, err := l.m.Session(ctx)
		if err != nil {
			return nil, GaveUp(ctx, err)
		}
		h, err := l.attempt(ctx, s, behind)
		switch {
		case err == nil:
			return h, nil
		case ctx.Err() != nil:
			return nil, GaveUp(ctx, err)
		case !startsAgain(err):
			return nil, err
		}
		if err := Pause(ctx, n-1, leastPause, mostPause); err != nil {
			return nil, GaveUp(ctx, err)
		}
	}
}

// startsAgain reports whether an attempt failed because its node or its
// session has gone: another attempt may do better. After Close, the next
// attempt finds no session and ends with ErrClosed.
func startsAgain(err error) bool {
	return errors.Is(err, session.ErrLost) || errors.Is(err, session.ErrSessionEnded)
}

// attempt goes through the line once, within one session. When it fails, it
// has seen to it that its node goes.
func (l *Line) attempt(ctx context.Context, s *session.Session,
	behind func(context.Context, *contender) (*session.Hold, error)) (*session.Hold, error) {
	e, self, err := l.stand(ctx, s)
	if err != nil {
		return nil, err
	}
	c := &contender{Entry: e, s: s, self: self, view: l.look(e.Children, e.Name, self)}
	e.Children = nil // thousands who wait must not each keep a list of thousands
	h, err := l.step(ctx, c, behind)
	// Nothing is left to remove behind ErrTaken and ErrDeleted.
	if err != nil && !errors.Is(err, ErrTaken) && !errors.Is(err, session.ErrDeleted) {
		e.Abandon()
	}
	return h, err
}

// stand makes our node at the end of the line.
//
// Servers number the children of a directory up to 2147483647. Then older ones
// go on with -2147483648, and newer ones give out the last number again and
// again, without any order among those who get it: that is no line any more.
// So nobody stands in it with that number. Who gets it twice in a row has met a
// newer server.
func (l *Line) stand(ctx context.Context, s *session.Session) (*session.Entry, znode.Seq, error) {
	for again := false; ; again = true {
		e, err := s.Enter(ctx, l.dir, l.tag, l.data)
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
			return nil, 0, fmt.Errorf("the server named our node %q, without a sequence number", e.Name)
		case again:
			return nil, 0, ErrExhausted
		}
	}
}

// contender is one attempt under way.
type contender struct {
	*session.Entry
	s    *session.Session
	self znode.Seq
	view view

	// Of one that waits: the answer about its own node while it is under way,
	// and then, with own nil, the node's zxid.
	own   <-chan ownNode
	czxid int64
}

func (l *Line) step(ctx context.Context, c *contender,
	behind func(context.Context, *contender) (*session.Hold, error)) (*session.Hold, error) {
	if c.view.before > 0 {
		return behind(ctx, c)
	}
	token, err := c.firstToken(ctx)
	if err != nil {
		return nil, err
	}
	return c.hold(ctx, token)
}

// firstToken returns the fencing token of a contender whom nobody kept waiting
// in the very list that came with its create.
//
// When that list shows nobody behind us, the directory's Pzxid will do, which
// costs no request. Pzxid is the zxid of the last change of the directory's
// children that the list has seen.
//
// What is proven: where Y stands behind X and waits for it, and both come to
// hold, Y's token is greater than X's. X's token is its Czxid, or the Pzxid of
// its list.
//
//   - Y holds after X has gone, and stands from its making until then. If Y was
//     made before X's list was taken, it is in the list, and X took its
//     own Czxid, which is less than Y's. If it was made after that, its Czxid
//     is greater than anything that the list had seen.
//   - Y's token is at least its Czxid: its node is in its list, so the Pzxid of
//     that is no less.
//
// Of two that may hold beside each other nothing is proven, and nothing is
// needed: one behind may have come, held and gone before the list of the one
// before it was taken. An heir (Config.Heirs) keeps the token of X, whose
// place it has, although its own Czxid may be greater than Y's; Y waited for X,
// so what is said of X's token goes on to hold.
//
// Making the directory anew does not disturb this: zxids never go back, although
// sequence numbers do, and nobody of the old line is left by then.
//
// With somebody behind us Pzxid may be that one's Czxid. Then our own Czxid is
// read, with the watch that the hold needs anyway.
func (c *contender) firstToken(ctx context.Context) (int64, error) {
	if !c.view.behind {
		return c.Dir.Pzxid, nil
	}
	stat, err := c.Watch(ctx)
	return stat.Czxid, err
}

// hold begins the hold, unless ctx or the session has ended, or the node has
// gone.
func (c *contender) hold(ctx context.Context, token int64) (*session.Hold, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h := c.Entry.Hold(token)
	if err := h.Err(); err != nil {
		return nil, err
	}
	return h, nil
}

// leave is what Try does behind somebody. Remove goes on by itself when ctx
// ends.
func (l *Line) leave(ctx context.Context, c *contender) (*session.Hold, error) {
	if err := c.Remove(ctx); err != nil {
		return nil, fmt.Errorf("%w; our own node: %w", ErrTaken, err)
	}
	return nil, ErrTaken
}
