package barrier

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// MaxCount is the maximum count of a Double. The transaction that begins a
// round names each member, and must fit into one request.
const MaxCount = 4096

// ErrFull says that other members have all places of the present round. Enter
// returns it.
var ErrFull = errors.New("the barrier is full: other members have all its places")

var errFull = fmt.Errorf("%w; try again when the round has ended, or correct the count", ErrFull)

// Option changes a Double.
type Option func(*Double)

// ID is the id of the member. Two members must not have the same id at the same
// time: Enter waits for the znode of a crashed process with the id, and fails
// with session.ErrIDTaken if the process is alive. Without an id, or with "",
// each Enter is a separate member with a random name.
func ID(id string) Option {
	return func(d *Double) {
		d.id = id
		if err := validateID(id); err != nil && d.err == nil {
			d.err = fmt.Errorf("id: %w", err)
		}
	}
}

// validateID reports whether an id can follow memberPrefix in a name. The error
// shows the id without the prefix, as the caller gave it.
func validateID(id string) error {
	err := znode.ValidateName(memberPrefix + id)
	if p := (*znode.PathError)(nil); errors.As(err, &p) {
		return &znode.PathError{Path: id, Reason: p.Reason, Name: p.Name}
	}
	return err
}

// Double is a rendezvous of a fixed number of members. Each Enter is a separate
// member. A Double is safe for concurrent use. Use NewDouble: the methods of a
// nil or zero Double panic.
type Double struct {
	sm    *core.Manager
	dir   string
	ready string
	count int
	id    string
	err   error

	mu     sync.Mutex
	visits map[string]visitNode // the visits that may still have a node
}

// NewDouble returns the rendezvous of count members at path, which is relative
// to sm's root. It does no I/O. If the path, the count or the id is invalid,
// every call on the Double returns the error. All members must give the same
// count: see ErrCount.
func NewDouble(sm *session.Manager, path string, count int, opts ...Option) *Double {
	d := &Double{
		sm: bridge.Core(sm), dir: path, ready: znode.Join(path, readyName), count: count,
		err: znode.Validate(path), visits: make(map[string]visitNode),
	}
	misuse.Apply("barrier.NewDouble", d, opts)
	if d.err == nil && (count < 1 || count > MaxCount) {
		d.err = fmt.Errorf("the count of members is %d: it must be from 1 to %d", count, MaxCount)
	}
	return d
}

// made panics for a Double that NewDouble has not made, or has made without a
// Manager.
func (d *Double) made() {
	d.notZero()
	misuse.NilManager(d.sm == nil, "barrier.NewDouble")
}

// notZero panics for a Double that NewDouble has not made.
func (d *Double) notZero() {
	misuse.ZeroValue(d == nil || d.visits == nil, "or nil barrier.Double", "barrier.NewDouble")
}

// Path returns the path of the rendezvous.
func (d *Double) Path() string {
	d.notZero()
	return d.dir
}

// Count returns the number of members.
func (d *Double) Count() int {
	d.notZero()
	return d.count
}

// Enter waits until count members have come, and enters with them. If a round is
// under way and at least one of its members has left, Enter waits for its end
// first. If none of its members has left, Enter fails with ErrFull at once. A
// dead member has left when its session has ended. The wait goes on through lost
// connections and ended sessions: in the next session the member comes again.
// If the other members have entered in between, they have counted the znode of
// its old session, and that member has left with that session. Enter then waits
// for the next round.
//
// ctx bounds the wait, not the visit. When ctx ends, the member's znode is
// removed in the background, and the error matches ctx.Err() and
// context.Cause(ctx). Other errors:
//
//   - ErrFull; ErrCount;
//   - session.ErrIDTaken if a member with the same id is at the barrier. For a
//     member of another process, Enter first waits for one and a half session
//     timeouts: the znode of a crashed process goes with its session. A znode
//     that this session is removing, because the ctx of an Enter or a Leave has
//     ended, is waited for without a limit;
//   - session.ErrNotEphemeral if a znode without a session has the id. The error
//     of ctx also matches it, and names the znode, if a persistent znode has the
//     name of another member: it is not counted;
//   - session.ErrForeign if the directory is not a rendezvous: its child
//     "ready" is not a round, or the directory has data that is not an IP
//     address, or it belongs to another recipe. It is unchanged;
//   - session.ErrClosed; an invalid path, count or id; an error of the server,
//     such as session.ErrNoAuth. Enter needs the rights to read, write, create
//     and delete in the directory.
//
// The caller must Leave or Release the Visit. Enter is safe for concurrent use.
func (d *Double) Enter(ctx context.Context) (*Visit, error) {
	d.made()
	v, err := d.enter(ctx)
	return v, d.failed("enter barrier", ctxend.Join(ctx, err))
}

func (d *Double) enter(ctx context.Context) (*Visit, error) {
	if d.err != nil {
		return nil, d.err
	}
	e := d.newEntrant()
	for n := -2; ; n++ {
		if err := backoff.Lost.Wait(ctx, n); err != nil {
			return nil, err
		}
		s, err := d.sm.Session(ctx)
		if err != nil {
			return nil, err
		}
		v, err := e.attempt(ctx, s)
		switch {
		case err == nil:
			return v, nil
		case ctx.Err() != nil, !errors.Is(err, core.ErrLost) && !errors.Is(err, core.ErrSessionEnded):
			return nil, err
		}
	}
}

// Do enters, calls f, and leaves when f has returned. The context of f ends
// with ctx, or when the visit is lost; context.Cause returns the reason. If f
// panics, Do leaves without waiting for the other members.
//
// Do returns the error of Enter, or else the errors of f and Leave, joined. ctx
// bounds the whole call. Do is safe for concurrent use.
func (d *Double) Do(ctx context.Context, f func(ctx context.Context, v *Visit) error) error {
	misuse.NilFunc(f == nil, "Double.Do")
	v, err := d.Enter(ctx)
	if err != nil {
		return err
	}
	within, stop := ctxend.WithHold(ctx, &v.Hold)
	return ctxend.Do(within, stop,
		func(ctx context.Context) error { return f(ctx, v) },
		func(error) error { return v.Leave(ctx) },
		func() { _ = v.Release() })
}

func (d *Double) failed(op string, err error) error { return core.Failed(op, d.dir, err) }
