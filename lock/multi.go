package lock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/core"
)

// Locker is a lock that can be part of a Multi: a *Mutex, a *OneNode, or one
// side of an RWMutex (RWMutex.RLocker, RWMutex.WLocker).
type Locker interface {
	// Path returns the path of the lock's znode.
	Path() string
	// Lock waits for the lock until ctx ends, as Mutex.Lock does.
	Lock(ctx context.Context) (*Hold, error)
	// TryLock returns ErrHeld where Lock would wait, as Mutex.TryLock does. ctx
	// bounds the requests.
	TryLock(ctx context.Context) (*Hold, error)
}

// Multi is several locks that are acquired together: all of them or none. It
// keeps no state of an acquisition and is safe for concurrent use.
//
// The locks are acquired one after the other, in the order of their paths and
// not of the arguments. So two Multis never wait for each other, even in
// different processes. The condition is that a path means the same znode to
// both: do not mix managers with different roots. A goroutine that already
// holds one of the locks waits for itself.
type Multi struct {
	locks []Locker // in the order of their paths
	paths []string
	err   error
}

// NewMulti returns a Multi of the locks. It does no I/O. Every call on the
// Multi returns an error if there are no locks, if two have the same path, or
// if a lock itself cannot be used.
func NewMulti(locks ...Locker) *Multi {
	m := &Multi{locks: slices.Clone(locks)}
	if len(locks) == 0 {
		m.err = errors.New("a Multi needs at least one lock")
	}
	for _, l := range locks {
		misuse.If(l == nil, "lock.NewMulti is given a nil lock")
	}
	slices.SortStableFunc(m.locks, func(a, b Locker) int { return strings.Compare(a.Path(), b.Path()) })
	for i, l := range m.locks {
		m.paths = append(m.paths, l.Path())
		if i > 0 && m.paths[i] == m.paths[i-1] {
			m.err = fmt.Errorf("%s is named twice: it would wait for itself", m.paths[i])
		}
	}
	return m
}

// MultiHold is the holds of a Multi. It ends when any of them ends.
type MultiHold struct {
	*Bundle
	paths []string // of the locks
}

// Tokens returns the fencing token of each lock by its path. See
// session.Hold.Token.
func (h *MultiHold) Tokens() map[string]int64 {
	misuse.ZeroValue(h == nil, "or nil lock.MultiHold", "Multi.Lock")
	h.made()
	tokens := make(map[string]int64, len(h.paths))
	for i, path := range h.paths {
		tokens[path] = h.holds[i].Token()
	}
	return tokens
}

// Lock waits until it holds all of the locks. While it waits for one lock, it
// holds those before it. If it loses one of these, it releases the others and
// begins again.
//
// ctx bounds the wait for all of them together, not the hold. If ctx ends, or
// one of the locks fails, Lock releases what it has, the last lock first. It
// does so in the background if ctx has ended. The errors are as in Lock of the
// single locks.
//
// The caller must Release the MultiHold.
func (m *Multi) Lock(ctx context.Context) (*MultiHold, error) {
	return m.acquire(ctx, opLock, Locker.Lock)
}

// TryLock takes all of the locks. If it would have to wait for one, it releases
// what it has and returns ErrHeld. ctx bounds the requests. In all else it is
// Lock.
func (m *Multi) TryLock(ctx context.Context) (*MultiHold, error) {
	return m.acquire(ctx, opTryLock, Locker.TryLock)
}

// Do runs f while it holds all of the locks. The context that f gets ends when
// ctx does, or when any of the locks is lost. In all else it is Mutex.Do.
func (m *Multi) Do(ctx context.Context, f func(ctx context.Context, h *MultiHold) error) error {
	misuse.NilFunc(f == nil, "Do")
	h, err := m.Lock(ctx)
	if err != nil {
		return err
	}
	within, stop := ctxend.WithHold(ctx, h)
	return whileHeld(h, m.path(), within, stop, func(ctx context.Context) error { return f(ctx, h) })
}

func (m *Multi) acquire(ctx context.Context, op string, one func(Locker, context.Context) (*Hold, error)) (*MultiHold, error) {
	misuse.ZeroValue(m == nil || len(m.locks) == 0 && m.err == nil, "Multi", "lock.NewMulti")
	if m.err != nil {
		return nil, core.Failed(op, m.path(), m.err)
	}
	for n := 0; ; n++ {
		h, err := m.attempt(ctx, one)
		switch {
		case err == nil:
			return h, nil
		case ctx.Err() == nil && errors.Is(err, errPartLost):
			err = backoff.Lost.Wait(ctx, n-1)
		}
		if err != nil {
			return nil, core.Failed(op, m.path(), ctxend.Join(ctx, err))
		}
	}
}

// errPartLost says that a held lock was lost during the wait for the next.
var errPartLost = errors.New("a lock was lost while the others were waited for")

// attempt acquires one lock after the other. If it fails, it has released what
// it had. If ctx has ended, the release may still go on in the background.
func (m *Multi) attempt(ctx context.Context, one func(Locker, context.Context) (*Hold, error)) (h *MultiHold, err error) {
	within, cancel := context.WithCancelCause(ctx) // ends with ctx, or when a lock that we have is lost
	var unlink []func() bool
	var holds []*Hold
	defer func() {
		for _, unlink := range unlink {
			unlink()
		}
		cancel(nil)
		if err != nil {
			err = oneline.Join(err, undo(ctx, holds))
		}
	}()
	for _, l := range m.locks {
		h, err := one(l, within)
		if err == nil {
			holds = append(holds, h)
			unlink = append(unlink, context.AfterFunc(h.Context(), func() { cancel(errPartLost) }))
			err = within.Err() // as done ctx beats a free lock, so does a loss
		}
		if err != nil && ctx.Err() == nil && errors.Is(context.Cause(within), errPartLost) {
			err = errPartLost
		}
		if err != nil {
			return nil, err
		}
	}
	h = &MultiHold{newBundle(m.path(), holds, 1), m.paths}
	if err := h.Err(); err != nil {
		return nil, errPartLost
	}
	return h, nil
}

// undo releases what was acquired in vain. It waits for that no longer than
// ctx; the end of the session ends it at the latest. A lost hold needs no
// release. The error says what cannot be removed.
func undo(ctx context.Context, holds []*Hold) error {
	done := make(chan error, 1)
	go func() {
		var errs []error
		for _, err := range releaseAll(holds, 1) {
			if !errors.Is(err, core.ErrLost) {
				errs = append(errs, err)
			}
		}
		done <- oneline.Join(errs...)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return nil // the caller gets ctx's error anyway
	}
}

// path returns the paths of the locks, for errors.
func (m *Multi) path() string { return fmt.Sprint(m.paths) }

// RLocker returns the lock for reading as a Locker, for Multi for instance.
func (m *RWMutex) RLocker() Locker { return rLocker{m} }

// WLocker returns the lock for writing as a Locker, for Multi for instance.
func (m *RWMutex) WLocker() Locker { return wLocker{m} }

type rLocker struct{ *RWMutex }

func (r rLocker) Lock(ctx context.Context) (*Hold, error)    { return r.RLock(ctx) }
func (r rLocker) TryLock(ctx context.Context) (*Hold, error) { return r.TryRLock(ctx) }

type wLocker struct{ *RWMutex }

func (w wLocker) Lock(ctx context.Context) (*Hold, error) {
	h, err := w.RWMutex.Lock(ctx)
	if err != nil {
		return nil, err
	}
	return &h.Hold, nil
}

func (w wLocker) TryLock(ctx context.Context) (*Hold, error) {
	h, err := w.RWMutex.TryLock(ctx)
	if err != nil {
		return nil, err
	}
	return &h.Hold, nil
}
