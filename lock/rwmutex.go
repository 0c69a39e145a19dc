package lock

import (
	"context"
	"strings"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
	"github.com/docent-go/docent/session"
)

// The layout of Curator's InterProcessReadWriteLock.
const (
	readTag  = "__READ__"
	writeTag = "__WRIT__"
)

// RWMutex is a fair lock on a path for any number of readers or one writer. It
// keeps no state of an acquisition: one value serves any number of goroutines,
// and two values with the same path exclude each other. It is safe for
// concurrent use.
//
// Readers and writers wait in one queue. A writer waits for every contender
// before it; a reader waits for the writers before it. So the readers after a
// waiting writer wait as well, and do not starve it.
//
// A writer's Token is greater than the Token of every earlier holder. A
// reader's Token is greater than the Token of every earlier writer. The tokens
// of readers that shared the lock have no order. A downgraded hold keeps its
// token.
//
// A read hold cannot be upgraded to writing: two readers that both waited for
// the other's release would wait for ever. Release, Lock, and read again. A
// goroutine that calls Lock while it has a read hold waits for itself: the lock
// does not know that both calls come from one goroutine.
type RWMutex struct {
	sm          *core.Manager
	read, write *waitqueue.Queue
	path        string
	data        []byte
	options     options
}

// NewRWMutex returns the lock for readers and writers at path, which is below
// sm's root. It does no I/O. If the path cannot be used, every call on the
// RWMutex returns the error. Do not use the path of a Mutex: the two ignore
// each other's contenders.
func NewRWMutex(sm *session.Manager, path string, opts ...LockOption) *RWMutex {
	o := newOptions("lock.NewRWMutex", opts)
	data := o.data()
	return &RWMutex{
		sm: bridge.Core(sm),
		read: waitqueue.New(waitqueue.Config{
			Manager: bridge.Core(sm), Dir: path, Tag: readTag, Also: []string{writeTag}, Compatible: []string{readTag}, Data: data,
			Watched: o.watched(), Whose: whose, Foreign: recognise.Foreign,
		}),
		write: waitqueue.New(waitqueue.Config{
			Manager: bridge.Core(sm), Dir: path, Tag: writeTag, Also: []string{readTag}, Successors: []string{writeTag}, Data: data,
			Watched: o.watched(), Whose: whose, Foreign: recognise.Foreign,
		}),
		path:    path,
		data:    data,
		options: o,
	}
}

// made panics for a nil RWMutex. A zero one is noticed where it is used.
func (m *RWMutex) made() { misuse.ZeroValue(m == nil, "or nil lock.RWMutex", "lock.NewRWMutex") }

// Path returns the path of the lock.
func (m *RWMutex) Path() string {
	m.made()
	return m.path
}

// WriteHold is a lock that is held for writing.
type WriteHold struct {
	Hold
	m *RWMutex
}

// Lock waits until it holds the lock for writing. ctx and the errors are as in
// Mutex.Lock. The caller must Release the WriteHold.
func (m *RWMutex) Lock(ctx context.Context) (*WriteHold, error) {
	m.made()
	h, err := m.write.Join(ctx)
	if err != nil {
		return nil, core.Failed(opLock, m.path, err)
	}
	return &WriteHold{Hold{Hold: bridge.Hold(h)}, m}, nil
}

// TryLock takes the lock for writing if no contender holds it or waits for it,
// and returns ErrHeld otherwise. ctx bounds the requests. In all else it is
// Mutex.TryLock.
func (m *RWMutex) TryLock(ctx context.Context) (*WriteHold, error) {
	m.made()
	h, err := m.write.Try(ctx)
	if err != nil {
		return nil, core.Failed(opTryLock, m.path, asHeld(err))
	}
	return &WriteHold{Hold{Hold: bridge.Hold(h)}, m}, nil
}

// RLock waits until it holds the lock for reading. ctx and the errors are as in
// Mutex.Lock. The caller must Release the Hold.
func (m *RWMutex) RLock(ctx context.Context) (*Hold, error) {
	m.made()
	h, err := m.read.Join(ctx)
	if err != nil {
		return nil, core.Failed("lock for reading", m.path, err)
	}
	return newHold(h), nil
}

// TryRLock takes the lock for reading if no writer holds it or waits for it,
// and returns ErrHeld otherwise. ctx bounds the requests. In all else it is
// Mutex.TryLock.
func (m *RWMutex) TryRLock(ctx context.Context) (*Hold, error) {
	m.made()
	h, err := m.read.Try(ctx)
	if err != nil {
		return nil, core.Failed("try lock for reading", m.path, asHeld(err))
	}
	return newHold(h), nil
}

// Do runs f while it holds the lock for writing, as Mutex.Do does. ctx bounds
// the wait, and f's context ends with it. If f downgrades its hold, its context
// ends. f then uses the context of the new hold, and releases that hold itself.
func (m *RWMutex) Do(ctx context.Context, f func(ctx context.Context, h *WriteHold) error) error {
	misuse.NilFunc(f == nil, "Do")
	h, err := m.Lock(ctx)
	if err != nil {
		return err
	}
	return h.do(ctx, m.path, m.options, func(ctx context.Context) error { return f(ctx, h) })
}

// RDo runs f while it holds the lock for reading, as Mutex.Do does. ctx bounds
// the wait, and f's context ends with it.
func (m *RWMutex) RDo(ctx context.Context, f func(ctx context.Context, h *Hold) error) error {
	misuse.NilFunc(f == nil, "Do")
	h, err := m.RLock(ctx)
	if err != nil {
		return err
	}
	return h.do(ctx, m.path, m.options, func(ctx context.Context) error { return f(ctx, h) })
}

// Downgrade turns the hold into one for reading, without letting a writer in
// between: the readers directly after it come in, and writers go on waiting.
// The Token stays the same.
//
// This hold ends as Downgrade begins. Its context ends with session.ErrReleased
// before another reader comes in, and its Guard is rejected once the change is
// done; the new hold has its own. It cannot be undone: if Downgrade fails, the
// lock is given up altogether, in the background if need be, and Release has
// nothing left to do.
//
// Downgrade is one transaction, and waits only for a server. ctx bounds that.
// If ctx has already ended, the hold is left as it is. Other errors:
// session.ErrLost, if the hold was lost; session.ErrReleased, if it was
// released or downgraded before; session.ErrNoAuth.
//
// The caller must Release the new Hold.
func (h *WriteHold) Downgrade(ctx context.Context) (*Hold, error) {
	misuse.ZeroValue(h == nil || h.m == nil, "or nil lock.WriteHold", "RWMutex.Lock")
	dir, name := znode.Split(h.Path())
	_, number, _ := strings.Cut(name, writeTag)
	path := znode.Join(dir, znode.Protected(znode.NewGUID(), readTag+number))
	next, err := bridge.CoreHold(&h.Hold.Hold).Replace(ctx, path, h.m.data)
	if err != nil {
		return nil, core.Failed("downgrade", h.m.path, ctxend.Join(ctx, err))
	}
	return newHold(next), nil
}

// Holders returns the contenders that hold the lock: readers, or one writer, or
// none. ctx, the errors and the lag are as in Mutex.Holders.
func (m *RWMutex) Holders(ctx context.Context) ([]Contender, error) {
	m.made()
	nodes, err := m.holders(ctx)
	return describeModes(nodes), core.Failed(opHolders, m.path, err)
}

// Waiters returns the contenders that wait for the lock, in order. ctx, the
// errors and the lag are as in Mutex.Holders.
func (m *RWMutex) Waiters(ctx context.Context) ([]Contender, error) {
	m.made()
	nodes, err := m.write.Chosen(ctx, func(all []znode.Place) []znode.Place { return all[holding(all):] })
	return describeModes(nodes), core.Failed(opWaiters, m.path, err)
}

func (m *RWMutex) holders(ctx context.Context) ([]waitqueue.Contender, error) {
	return m.write.Chosen(ctx, func(all []znode.Place) []znode.Place { return all[:holding(all)] })
}

// holding returns how many contenders of the queue hold the lock: the readers
// at its head, or one writer.
func holding(all []znode.Place) int {
	n := 0
	for n < len(all) && modeOf(all[n].Name) == ModeRead {
		n++
	}
	return max(n, min(1, len(all)))
}

// describeModes is describeAll with the modes of readers and writers.
func describeModes(nodes []waitqueue.Contender) []Contender {
	all := describeAll(nodes)
	for i := range all {
		all[i].Mode = modeOf(all[i].Path)
	}
	return all
}

// modeOf returns the mode of a contender by its name.
func modeOf(name string) Mode {
	if _, reads := znode.ParseSeq(name, readTag); reads {
		return ModeRead
	}
	return ModeWrite
}
