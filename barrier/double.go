package barrier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/oneline"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// MaxCount is the greatest count of a Double: the transaction that lets the
// members in names each of them, and has to fit into one request.
const MaxCount = 4096

// Sentinel errors of Enter. Compare with errors.Is: they arrive wrapped.
var (
	// ErrFull says that all places of the present round are taken by others.
	ErrFull = errors.New("the barrier is full: as many members as it is for are inside")
	// ErrNotDouble says that the path is not a rendezvous's: its znode "ready" is not
	// a round's, or it holds data that is not an IP address, or it is the directory of
	// another recipe. It is left as it is.
	ErrNotDouble = errors.New("the directory is not a rendezvous")
	// ErrIDTaken says that a member with the same id stands at the barrier.
	// One whose process has died stands there until its session ends.
	ErrIDTaken = errors.New("a member with this id stands at the barrier already")
)

// Option changes a Double.
type Option func(*Double)

// ID names the member. No two members may have the same id at the same time.
// Without it each Enter is a member of its own, with a random name.
func ID(id string) Option {
	return func(d *Double) {
		d.id = id
		if err := znode.ValidateName(memberPrefix + id); err != nil && d.err == nil {
			d.err = fmt.Errorf("id: %w", err)
		}
	}
}

// Double is a rendezvous of a fixed number of members. Every Enter is a member
// of its own: one Double serves any number of goroutines, and is safe for
// concurrent use.
type Double struct {
	sm    *core.Manager
	dir   string
	ready string
	count int
	id    string
	err   error

	mu     sync.Mutex
	visits map[string]ghost // those that may still have a node, by visit
}

// NewDouble returns the rendezvous of count members at path, which is below
// sm's root. It does no I/O; a path, count or id that cannot be used is reported
// by every call on the Double. All members have to be told the same count.
func NewDouble(sm *session.Manager, path string, count int, opts ...Option) *Double {
	d := &Double{
		sm: bridge.Core(sm), dir: path, ready: znode.Join(path, readyName), count: count,
		err: znode.Validate(path), visits: make(map[string]ghost),
	}
	misuse.Apply("barrier.NewDouble", d, opts)
	if d.err == nil && (count < 1 || count > MaxCount) {
		d.err = fmt.Errorf("the count of members is %d: it must be between 1 and %d", count, MaxCount)
	}
	return d
}

// made panics for a Double that NewDouble has not made, or was given no Manager.
func (d *Double) made() { made(d == nil || d.sm == nil) }

// Path returns the path of the rendezvous.
func (d *Double) Path() string {
	misuse.ZeroValue(d == nil, "or nil barrier.Double", "barrier.NewDouble")
	return d.dir
}

// Count returns how many members it is for.
func (d *Double) Count() int {
	misuse.ZeroValue(d == nil, "or nil barrier.Double", "barrier.NewDouble")
	return d.count
}

// Enter waits until as many members as the barrier is for have come, and goes
// in with them. It waits until a round that is ending has ended. It waits
// through lost connections and ended sessions; when its own session ends, it
// comes anew in the next. If the others went in meanwhile, they count the node
// of its old session, which has left with that session: it then waits for the next round.
//
// ctx bounds the wait, not the visit. When it ends, our node is removed in the
// background, and the error matches ctx.Err() and context.Cause(ctx). Other
// errors: ErrFull when others have all the places; ErrIDTaken; ErrNotDouble;
// session.ErrClosed; what the server answers, such as session.ErrNoAuth. It
// takes the rights to read, write, create and delete in the directory.
//
// The caller must Leave or Release the Visit.
func (d *Double) Enter(ctx context.Context) (*Visit, error) {
	d.made()
	if d.err != nil {
		return nil, d.fail("enter", d.err)
	}
	e, err := d.newEntrant()
	if err != nil {
		return nil, d.fail("enter", err)
	}
	for n := -2; ; n++ {
		if err := line.Pause(ctx, n, leastPause, mostPause); err != nil {
			return nil, d.fail("enter", gaveUp(ctx, err))
		}
		s, err := d.sm.Session(ctx)
		if err != nil {
			return nil, d.fail("enter", gaveUp(ctx, err))
		}
		v, err := e.attempt(ctx, s)
		switch {
		case err == nil:
			return v, nil
		case ctx.Err() != nil, !errors.Is(err, core.ErrLost) && !errors.Is(err, core.ErrSessionEnded):
			return nil, d.fail("enter", gaveUp(ctx, err))
		}
	}
}

// Pauses between attempts that ended because our node or session went, and
// between looks at a barrier that changes while it is looked at.
const (
	leastPause = 5 * time.Millisecond
	mostPause  = time.Second
)

// Do runs f inside: it enters, calls f, and leaves when f has returned. The
// context that f gets ends when ctx does, or when the visit is lost;
// context.Cause tells which. When f panics, it leaves without waiting for the
// others.
//
// Do returns what Enter does when that fails. Otherwise it returns what f does
// and what Leave does, joined. ctx bounds all of it.
func (d *Double) Do(ctx context.Context, f func(ctx context.Context, v *Visit) error) error {
	misuse.NilFunc(f == nil, "Do")
	v, err := d.Enter(ctx)
	if err != nil {
		return err
	}
	within, stop := line.Within(ctx, &v.Hold)
	defer func() { // a second Release does nothing: this one is for panics
		stop()
		_ = v.Release()
	}()
	err = f(within, v)
	if left := v.Leave(ctx); left != nil {
		return oneline.Join(err, left)
	}
	return err
}

func (d *Double) fail(op string, err error) error {
	return fmt.Errorf("%s barrier %s: %w", op, d.dir, err)
}
