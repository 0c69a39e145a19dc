package lock

import (
	"context"
	"errors"
	"sync"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/oneline"
	"github.com/docent-go/docent/session"
)

// Hold is a lock that is held. session.Hold describes its methods: Context,
// Token, Guard, Release and others. Release gives the lock up.
type Hold struct {
	session.Hold

	listen sync.Once
	asked  context.Context // ends when the lock is asked for

	turn *turn // nil if the lock is not handed on within the process
}

// made panics for a Hold that was not acquired.
func (h *Hold) made() {
	misuse.ZeroValue(h == nil || h.Hold == session.Hold{}, "lock.Hold", "a call that acquires one and returns no error")
}

func newHold(h *core.Hold) *Hold { return &Hold{Hold: bridge.Hold(h)} }

// do runs f while the lock is held, and releases the lock when f has returned.
// fail adds the lock's path to an error.
func (h *Hold) do(ctx context.Context, o options, fail func(op string, err error) error, f func(ctx context.Context) error) error {
	within, stop := line.Within(ctx, &h.Hold)
	if o.revocable {
		within, stop = h.untilRevoked(within, stop)
	}
	return whileHeld(h, within, stop, fail, f)
}

// whileHeld runs f with a context that ends with h, and releases h when f has
// returned.
func whileHeld(h interface {
	Err() error
	Release() error
}, within context.Context, stop func(), fail func(op string, err error) error, f func(ctx context.Context) error) error {
	defer func() { // a second Release does nothing: this one is for panics
		stop()
		_ = h.Release()
	}()
	err := f(within)
	lost := errors.Is(h.Err(), core.ErrLost)
	released := h.Release()
	if released == nil || errors.Is(released, core.ErrLost) && !lost {
		return err // a loss after f has returned does no harm
	}
	if released = fail("lock", released); err == nil {
		return released
	}
	return oneline.Join(err, released)
}

// try is line.Try with ErrHeld in place of line.ErrTaken.
func try(ctx context.Context, l *line.Line) (*core.Hold, error) {
	h, err := l.Try(ctx)
	if errors.Is(err, line.ErrTaken) {
		err = &held{err}
	}
	return h, err
}

// held is line.ErrTaken as ErrHeld, with the errors that came with it.
type held struct{ err error }

func (e *held) Error() string {
	if e.err == line.ErrTaken {
		return ErrHeld.Error()
	}
	return ErrHeld.Error() + " (" + e.err.Error() + ")"
}
func (e *held) Unwrap() []error { return []error{ErrHeld, e.err} }
