package lock

import (
	"context"
	"errors"
	"sync"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
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

// do runs f while the lock at path is held, and releases the lock when f has
// returned.
func (h *Hold) do(ctx context.Context, path string, o options, f func(ctx context.Context) error) error {
	within, stop := ctxend.WithHold(ctx, &h.Hold)
	if o.revocable {
		within, stop = h.untilRevoked(within, stop)
	}
	return whileHeld(h, path, within, stop, f)
}

// whileHeld runs f with a context that ends with h, and releases h when f has
// returned. path is the path of the lock or the semaphore.
func whileHeld(h interface {
	Err() error
	Release() error
}, path string, within context.Context, stop func(), f func(ctx context.Context) error) error {
	return ctxend.Do(within, stop, f, func(error) error {
		lost := errors.Is(h.Err(), core.ErrLost)
		released := h.Release()
		if errors.Is(released, core.ErrLost) && !lost {
			return nil // a loss after f has returned does no harm
		}
		return core.Failed(opRelease, path, released)
	}, func() { _ = h.Release() })
}

// opRelease is what OpError.Op says of the end of a Do, and of Bundle.Release.
const opRelease = "release"

// asHeld puts ErrHeld in the place of waitqueue.ErrTaken.
func asHeld(err error) error {
	if errors.Is(err, waitqueue.ErrTaken) {
		return &held{err}
	}
	return err
}

// held is waitqueue.ErrTaken as ErrHeld, with the errors that came with it.
type held struct{ err error }

func (e *held) Error() string {
	text := ErrHeld.Error()
	var taken *waitqueue.TakenError
	if errors.As(e.err, &taken) {
		text += ": " + taken.By
	}
	if e.err == waitqueue.ErrTaken || e.err == error(taken) {
		return text
	}
	return text + " (" + e.err.Error() + ")"
}

// whose describes the contender at path for an error.
func whose(path string, data []byte) string {
	if string(data) == revokeMessage {
		return path // the request has replaced the owner
	}
	return owner.At(path, data)
}
func (e *held) Unwrap() []error { return []error{ErrHeld, e.err} }
