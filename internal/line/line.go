package line

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
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
	Manager *core.Manager
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
	// Watched has the node of a holder watched from the start, and not only when
	// it has held for a moment: for holders who ask in the middle of what
	// they do whether they still hold.
	Watched bool
	// Recall has the line remember a contender that had it to itself, so that the
	// next one may need no list. It is for lines without Beside and Heirs,
	// that few join and that are held for a short time.
	Recall bool
	// Part says that to stand in the line is but a part of a wait, of which the
	// line's owner tells the hooks (Manager.Waiting).
	Part bool
}

// Line is the line in one directory. It keeps nothing of a single contender
// but what spares the next a list, and is safe for concurrent use.
type Line struct {
	m       *core.Manager
	dir     string
	tag     string
	data    []byte
	part    bool
	watched bool
	err     error

	tags     []string // of all contenders
	blockers []string // of those among them who keep ours waiting
	beside   []string // of the others
	heirs    []string

	vacancy *vacancy // nil without Recall
}

// New returns the line in a directory. It does no I/O. A path that cannot be
// used is reported by every call on the line.
func New(cfg Config) *Line {
	l := &Line{
		m:       cfg.Manager,
		dir:     cfg.Dir,
		tag:     cfg.Tag,
		data:    cfg.Data,
		part:    cfg.Part,
		watched: cfg.Watched,
		err:     znode.Validate(cfg.Dir),
		tags:    append([]string{cfg.Tag}, cfg.Also...),
		heirs:   cfg.Heirs,
	}
	for _, tag := range l.tags {
		if slices.Contains(cfg.Beside, tag) {
			l.beside = append(l.beside, tag)
		} else {
			l.blockers = append(l.blockers, tag)
		}
	}
	if cfg.Recall {
		l.vacancy = new(vacancy)
		runtime.AddCleanup(l, (*vacancy).forget, l.vacancy)
	}
	return l
}

// Dir returns the directory of the line.
func (l *Line) Dir() string {
	l.made()
	return l.dir
}

// made panics for the line of a recipe that its constructor has not made.
func (l *Line) made() {
	misuse.ZeroValue(l == nil, "lock or election", "its constructor, such as lock.New or election.New")
}

// Join enters the line at its end and waits until nobody stands before it who
// keeps it waiting: until it is first, where nobody may hold beside it. When its node
// is deleted or its session ends while it waits, it starts again at the end, in
// the next session if need be.
//
// ctx bounds the wait alone, not the hold. When it ends, the node is removed in
// the background and the error matches both ctx.Err() and context.Cause(ctx).
// Other errors: core.ErrClosed, a *znode.PathError, and what the server
// answers, such as core.ErrNoAuth. Join leaves no node and no waiter behind
// when it fails.
func (l *Line) Join(ctx context.Context) (*core.Hold, error) { return l.enter(ctx, false, l.wait) }

// Try enters the line and stays only if it need not wait; otherwise it leaves
// again and returns ErrTaken. It sets no watch then: it costs a create, a list and a
// delete. ctx bounds the requests, which are repeated while no server can be
// reached; when it ends while the node is being removed, that goes on in the
// background, and the error matches ErrTaken and ctx.Err(). Other errors are
// those of Join.
func (l *Line) Try(ctx context.Context) (*core.Hold, error) { return l.enter(ctx, true, l.leave) }

// Pauses between two attempts whose nodes were deleted under us. The first new
// attempt follows at once.
const (
	leastPause = 10 * time.Millisecond
	mostPause  = time.Second
)

// enter runs attempts until one holds, or fails for good. behind decides what
// becomes of a contender that somebody stands before.
func (l *Line) enter(ctx context.Context, try bool,
	behind func(context.Context, *contender) (*core.Hold, error)) (*core.Hold, error) {
	l.made()
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

func (l *Line) attempts(ctx context.Context, behind func(context.Context, *contender) (*core.Hold, error)) (*core.Hold, error) {
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
	return errors.Is(err, core.ErrLost) || errors.Is(err, core.ErrSessionEnded)
}

// attempt goes through the line once, within one session. When it fails, it
// has seen to it that its node goes.
func (l *Line) attempt(ctx context.Context, s *core.Session,
	behind func(context.Context, *contender) (*core.Hold, error)) (*core.Hold, error) {
	c, err := l.join(ctx, s)
	if err != nil {
		return nil, err
	}
	h, err := l.step(ctx, c, behind)
	// Nothing is left to remove behind ErrTaken and ErrDeleted.
	if err != nil && !errors.Is(err, ErrTaken) && !errors.Is(err, core.ErrDeleted) {
		c.Abandon()
	}
	return h, err
}

// join makes our node, and finds its place in the line.
func (l *Line) join(ctx context.Context, s *core.Session) (*contender, error) {
	var number znode.Seq
	var life *core.Life
	enter := s.Enter
	if l.vacancy != nil {
		var known bool
		if number, life, known = l.vacancy.after(s); known {
			enter = s.EnterUnlisted
		}
	}
	e, self, err := l.stand(ctx, enter)
	if err != nil {
		return nil, err
	}
	c := &contender{Entry: e, s: s, self: self}
	if e.Children == nil {
		if self == number+1 && life.Lasts() {
			l.vacancy.follows(c, life)
			return c, nil
		}
		if err := e.List(ctx); err != nil {
			return nil, err
		}
	}
	c.view = l.look(e.Children, e.Name, self)
	e.Children = nil // thousands who wait must not each keep a list of thousands
	if l.vacancy != nil {
		l.vacancy.listed(c, e.Dir)
	}
	return c, nil
}

// stand makes our node at the end of the line.
//
// Servers number the children of a directory up to 2147483647. Then older ones
// go on with -2147483648, and newer ones give out the last number again and
// again, without any order among those who get it: that is no line any more.
// So nobody stands in it with that number. Who gets it twice in a row has met a
// newer server.
func (l *Line) stand(ctx context.Context,
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
			return nil, 0, fmt.Errorf("the server named our node %q, without a sequence number", e.Name)
		case again:
			return nil, 0, ErrExhausted
		}
	}
}

// contender is one attempt under way.
type contender struct {
	*core.Entry
	s    *core.Session
	self znode.Seq
	view view

	// Of one that waits: the answer about its own node, which the timer asks for,
	// until the answer has come.
	own  <-chan ownNode
	late *time.Timer
}

func (l *Line) step(ctx context.Context, c *contender,
	behind func(context.Context, *contender) (*core.Hold, error)) (*core.Hold, error) {
	if c.view.before > 0 {
		return behind(ctx, c)
	}
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	return l.hold(ctx, c, token)
}

// token returns the fencing token: the zxid that made our node. Whoever waits
// for us was made later. A server that does not tell it with the create is
// asked, with the watch that the hold needs anyway.
func (c *contender) token(ctx context.Context) (int64, error) {
	if c.Czxid != 0 {
		return c.Czxid, nil
	}
	stat, err := c.Watch(ctx)
	return stat.Czxid, err
}

// hold begins the hold, unless ctx or the session has ended, or the node has
// gone.
func (l *Line) hold(ctx context.Context, c *contender, token int64) (*core.Hold, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.watched {
		return c.HoldWatched(ctx, token, 0)
	}
	return c.Hold(ctx, token)
}

// leave is what Try does behind somebody. Remove goes on by itself when ctx
// ends.
func (l *Line) leave(ctx context.Context, c *contender) (*core.Hold, error) {
	if err := c.Remove(ctx); err != nil {
		return nil, fmt.Errorf("%w; our own node: %w", ErrTaken, err)
	}
	return nil, ErrTaken
}
