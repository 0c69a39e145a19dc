package lock

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/base/bounds"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
	"github.com/docent-go/docent/session"
)

// ErrHeld is returned by TryLock if another contender holds the lock or waits
// for it.
var ErrHeld = errors.New("the lock is held by another contender")

// What OpError.Op says of Lock and TryLock, in every lock that has them.
const (
	opLock    = "lock"
	opTryLock = "try lock"
)

// The layout of Curator's InterProcessMutex, and the tag of kazoo's Lock.
const (
	mutexTag = "lock-"
	kazooTag = "__lock__"
)

// Mutex is a fair lock on a path. It keeps no state of an acquisition, except
// with Handoff: one value serves any number of goroutines, and two values with
// the same path exclude each other. It is safe for concurrent use.
type Mutex struct {
	sm      *core.Manager
	line    *waitqueue.Queue
	path    string
	options options
	local   *localQueue // nil without Handoff
}

// NewMutex returns the mutex at path, which is below sm's root. It does no I/O.
// If the path or an option cannot be used, every call on the Mutex returns the
// error.
func NewMutex(sm *session.Manager, path string, opts ...MutexOption) *Mutex {
	o := newOptions("lock.NewMutex", opts)
	m := &Mutex{
		sm: bridge.Core(sm),
		line: waitqueue.New(waitqueue.Config{Manager: bridge.Core(sm), Dir: path, Tag: mutexTag, Also: []string{kazooTag}, Data: o.data(),
			Watched: o.watched(), FastPath: true, Whose: whose, Foreign: recognise.Foreign, Unreported: o.handoff != 0, Err: bounds.AtLeast("Handoff", o.handoff, 0)}),
		path:    path,
		options: o,
	}
	if o.handoff != 0 {
		m.local = newLocalQueue(m)
	}
	return m
}

// made panics for a nil Mutex. The first use of a zero Mutex panics elsewhere.
func (m *Mutex) made() { misuse.ZeroValue(m == nil, "or nil lock.Mutex", "lock.NewMutex") }

// Path returns the path of the lock.
func (m *Mutex) Path() string {
	m.made()
	return m.path
}

// Lock waits until it holds the lock. It waits through lost connections and
// ended sessions; when its session ends, it queues again in the next.
//
// ctx bounds the wait, not the hold. When it ends, the error matches ctx.Err()
// and context.Cause(ctx), and Lock's znode is removed in the background. It
// matches session.ErrNotEphemeral too, and names the znode, if a contender before
// is not ephemeral: the end of no session will remove it. Lock sees the
// two contenders before it, and the first one after a wait of a second.
// Other errors: session.ErrClosed; an invalid path; session.ErrForeign if the
// path is a gate or the record of a Once; session.ErrExposed
// (Config.Directories); what the server answers, such as session.ErrNoAuth if
// znodes may not be created below path.
//
// The caller must Release the Hold.
func (m *Mutex) Lock(ctx context.Context) (*Hold, error) {
	m.made()
	if m.local != nil {
		h, err := m.local.lock(ctx)
		return h, core.Failed(opLock, m.path, err)
	}
	h, err := m.line.Join(ctx)
	if err != nil {
		return nil, core.Failed(opLock, m.path, err)
	}
	return newHold(h), nil
}

// TryLock takes the lock if no contender holds it or waits for it. Otherwise it
// removes its znode and returns ErrHeld, which names the holder. A waiter that has given up counts
// until its znode has been removed.
//
// TryLock does not wait for other contenders. It does wait for a server: ctx
// bounds that. The other errors are as in Lock.
func (m *Mutex) TryLock(ctx context.Context) (*Hold, error) {
	m.made()
	if m.local != nil {
		h, err := m.local.tryLock(ctx)
		return h, core.Failed(opTryLock, m.path, err)
	}
	h, err := m.line.Try(ctx)
	if err != nil {
		return nil, core.Failed(opTryLock, m.path, asHeld(err))
	}
	return newHold(h), nil
}

// Do runs f while it holds the lock. The context that f gets ends when ctx
// ends, when the hold is lost, or, with Revocable, when the lock is asked for.
// context.Cause returns which. The lock is released after f has returned or
// panicked, and not before.
//
// If the lock was not acquired, Do returns what Lock returns. Otherwise it
// returns what f returns. If the hold was lost before f returned, the error
// matches session.ErrLost too, even if f returned nil: what f did may have
// overlapped with the work of the next holder.
func (m *Mutex) Do(ctx context.Context, f func(ctx context.Context, h *Hold) error) error {
	misuse.NilFunc(f == nil, "Do")
	h, err := m.Lock(ctx)
	if err != nil {
		return err
	}
	return h.do(ctx, m.path, m.options, func(ctx context.Context) error { return f(ctx, h) })
}
