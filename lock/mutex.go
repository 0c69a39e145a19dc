package lock

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/session"
)

// ErrHeld is returned by TryLock when somebody holds the lock or stands in
// line for it.
var ErrHeld = errors.New("the lock is held by somebody else")

// Layout of Curator's InterProcessMutex, and the tag of kazoo's Lock.
const (
	mutexTag = "lock-"
	kazooTag = "__lock__"
)

// Mutex is a fair lock on a path. It keeps nothing of a single acquisition,
// unless Handoff has it hand the lock on: one value serves any number of
// goroutines, and two values with the same path exclude each other. It is safe
// for concurrent use.
type Mutex struct {
	sm      *core.Manager
	line    *line.Line
	path    string
	options options
	local   *localQueue // nil without Handoff
}

// New returns the mutex at path, which is below sm's root. It does no I/O; a
// path that cannot be used is reported by every call on the Mutex.
func New(sm *session.Manager, path string, opts ...Option) *Mutex {
	o := newOptions("lock.New", opts)
	m := &Mutex{
		sm: bridge.Core(sm),
		line: line.New(line.Config{Manager: bridge.Core(sm), Dir: path, Tag: mutexTag, Also: []string{kazooTag}, Data: o.data(),
			Watched: o.watched(), Recall: true, Part: o.handoff != 0}),
		path:    path,
		options: o,
	}
	if o.handoff != 0 {
		m.local = &localQueue{line: m.line, most: o.handoff}
	}
	return m
}

// made panics for a nil Mutex. A zero one is noticed where it is used.
func (m *Mutex) made() { misuse.ZeroValue(m == nil, "or nil lock.Mutex", "lock.New") }

// Path returns the path of the lock.
func (m *Mutex) Path() string {
	m.made()
	return m.path
}

// Lock waits until the lock is ours. It waits through lost connections and
// ended sessions; when its session ends, it lines up again in the next.
//
// ctx bounds the wait, not the hold. When it ends, the error matches ctx.Err()
// and context.Cause(ctx), and our node is removed in the background. Other
// errors: session.ErrClosed; an invalid path; what the server answers, such as
// session.ErrNoAuth when we may not create below path.
//
// The caller must Release the Hold.
func (m *Mutex) Lock(ctx context.Context) (*Hold, error) {
	m.made()
	h, err := m.join(ctx)
	if err != nil {
		return nil, m.fail("lock", err)
	}
	return h, nil
}

// TryLock takes the lock if nobody has it and nobody waits for it, and returns
// ErrHeld otherwise, with our node removed again. A waiter that has given up
// counts until its node has been removed.
//
// It waits for no other contender, but it does wait for a server: ctx bounds
// that. Errors besides ErrHeld are those of Lock.
func (m *Mutex) TryLock(ctx context.Context) (*Hold, error) {
	m.made()
	h, err := m.try(ctx)
	if err != nil {
		return nil, m.fail("try to lock", err)
	}
	return h, nil
}

// Do runs f while it holds the lock. The context that f gets ends when ctx
// does, or when the hold is lost, or, with Revocable, when somebody asks for the
// lock; context.Cause tells which. The lock is released when f has returned, and
// not before; also when f panics.
//
// Do returns what Lock does when the lock was not acquired. Otherwise it
// returns what f does. If the hold was lost before f returned, the error
// matches session.ErrLost besides, even where f returned nil: what f did may
// have overlapped with what the next holder does.
func (m *Mutex) Do(ctx context.Context, f func(ctx context.Context, h *Hold) error) error {
	misuse.NilFunc(f == nil, "Do")
	h, err := m.Lock(ctx)
	if err != nil {
		return err
	}
	return h.do(ctx, m.options, m.fail, func(ctx context.Context) error { return f(ctx, h) })
}

func (m *Mutex) fail(op string, err error) error {
	return fmt.Errorf("%s %s: %w", op, m.path, err)
}
