package line

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// ErrTaken is returned by Try when somebody stands before us.
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
	// Also are the tags of other libraries whose nodes count as contenders.
	Also []string
	// Data is what our own nodes hold.
	Data []byte
}

// Line is the line in one directory. It keeps nothing of a single contender
// and is safe for concurrent use.
type Line struct {
	m    *session.Manager
	dir  string
	tag  string
	tags []string
	data []byte
	err  error
}

// New returns the line in a directory. It does no I/O. A path that cannot be
// used is reported by every call on the line.
func New(cfg Config) *Line {
	return &Line{
		m:    cfg.Manager,
		dir:  cfg.Dir,
		tag:  cfg.Tag,
		tags: append([]string{cfg.Tag}, cfg.Also...),
		data: cfg.Data,
		err:  znode.Validate(cfg.Dir),
	}
}

// Dir returns the directory of the line.
func (l *Line) Dir() string { return l.dir }

// Join enters the line at its end and waits until it is first. When its node
// is deleted or its session ends while it waits, it starts again at the end, in
// the next session if need be.
//
// ctx bounds the wait alone, not the hold. When it ends, the node is removed in
// the background and the error matches both ctx.Err() and context.Cause(ctx).
// Other errors: session.ErrClosed, a *znode.PathError, and what the server
// answers, such as zk.ErrNoAuth. Join leaves no node and no waiter behind when
// it fails.
func (l *Line) Join(ctx context.Context) (*session.Hold, error) { return l.enter(ctx, l.wait) }

// Try enters the line and stays only if it is first; otherwise it leaves again
// and returns ErrTaken. It sets no watch then: it costs a create, a list and a
// delete. ctx bounds the requests, which are repeated while no server can be
// reached; when it ends while the node is being removed, that goes on in the
// background, and the error matches ErrTaken and ctx.Err(). Other errors are
// those of Join.
func (l *Line) Try(ctx context.Context) (*session.Hold, error) { return l.enter(ctx, l.leave) }

// Pauses between two attempts whose nodes were deleted under us. The first new
// attempt follows at once.
const (
	leastPause = 10 * time.Millisecond
	mostPause  = time.Second
)

// enter runs attempts until one holds, or fails for good. behind decides what
// becomes of a contender that somebody stands before.
func (l *Line) enter(ctx context.Context, behind func(context.Context, *contender) (*session.Hold, error)) (*session.Hold, error) {
	if l.err != nil {
		return nil, l.err
	}
	for n := 0; ; n++ {
		s, err := l.m.Session(ctx)
		if err != nil {
			return nil, gaveUp(ctx, err)
		}
		h, err := l.attempt(ctx, s, behind)
		switch {
		case err == nil:
			return h, nil
		case ctx.Err() != nil:
			return nil, gaveUp(ctx, err)
		case !startsAgain(err):
			return nil, err
		}
		if err := Pause(ctx, n-1, leastPause, mostPause); err != nil {
			return nil, gaveUp(ctx, err)
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
	c := &contender{Entry: e, s: s, self: self, view: look(e.Children, e.Name, self, l.tags)}
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

// firstToken returns the fencing token of a contender who was first in the
// very list that came with its create.
//
// When that list shows nobody behind us, the directory's Pzxid will do, which
// costs no request. Pzxid is the zxid of the last change of the directory's
// children that the list has seen. The proof that tokens grow along the line:
//
//   - Our node is in the list, so Pzxid ≥ our Czxid. Whoever held before us
//     stood before us, and its token is its Czxid, less than ours, or the Pzxid
//     of a list that showed nobody behind it: a list without us, and so one
//     that had seen only changes before our Czxid. Either way it is less than
//     our Czxid, and so than our token.
//   - Whoever holds after us stands behind us. It is not in our list, so it was
//     made after everything that the list had seen: its Czxid > our Pzxid, and
//     its token is at least its Czxid.
//
// Making the directory anew does not disturb this: zxids never go back, although
// sequence numbers do.
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
