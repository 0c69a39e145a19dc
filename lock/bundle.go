package lock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/once"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Bundle is the holds of a MultiHold or a Permit, which are only useful
// together: it ends with the first of them. Its methods are safe for concurrent
// use. Only a MultiHold or a Permit has a usable Bundle.
type Bundle struct {
	path   string // of the semaphore, or the paths of the locks
	holds  []*Hold
	width  int // how many are released at a time
	ctx    context.Context
	cancel context.CancelCauseFunc
	unlink []func() bool

	release once.Once
	result  error
}

// newBundle makes a bundle of one hold or more. Its context is a child of the
// first hold's context: the end of the session ends all holds and the bundle in
// the same instant.
func newBundle(path string, holds []*Hold, width int) *Bundle {
	b := &Bundle{path: path, holds: holds, width: width}
	b.ctx, b.cancel = context.WithCancelCause(holds[0].Context())
	for _, h := range holds[1:] {
		b.unlink = append(b.unlink, context.AfterFunc(h.Context(), func() { b.cancel(h.Err()) }))
	}
	return b
}

// Context returns a context that ends when any of the holds ends. context.Cause
// returns the reason: see session.Hold.Context.
func (b *Bundle) Context() context.Context {
	b.made()
	return b.ctx
}

// Done returns a channel that is closed when any of the holds ends.
func (b *Bundle) Done() <-chan struct{} {
	b.made()
	return b.ctx.Done()
}

// Err returns nil while all of the holds last, and then the cause of the end.
func (b *Bundle) Err() error {
	b.made()
	b.look()
	if b.ctx.Err() == nil {
		return nil
	}
	return context.Cause(b.ctx)
}

// made panics for a Permit or MultiHold that was not acquired.
func (b *Bundle) made() {
	misuse.ZeroValue(b == nil || b.ctx == nil, "Permit or MultiHold", "a call that acquires one and returns no error")
}

// look ends the bundle if one of its holds has ended. context.AfterFunc does
// the same on another goroutine, which may be slower than a caller that has
// seen the hold end.
func (b *Bundle) look() {
	for _, h := range b.holds {
		if err := h.Err(); err != nil {
			b.cancel(err)
			return
		}
	}
}

// Deadline returns the instant up to which all of the holds can be trusted if
// no server answers. It is the earliest Deadline of the holds, and moves
// forward with them.
func (b *Bundle) Deadline() time.Time {
	b.made()
	first := b.holds[0].Deadline()
	for _, h := range b.holds[1:] {
		if d := h.Deadline(); d.Before(first) {
			first = d
		}
	}
	return first
}

// Holds returns the single holds, in the order of Guards. Release the whole: it
// ends them all.
func (b *Bundle) Holds() []*Hold {
	b.made()
	return slices.Clone(b.holds)
}

// Paths returns the paths of the znodes, in the order of Guards.
func (b *Bundle) Paths() []string {
	b.made()
	paths := make([]string, len(b.holds))
	for i, h := range b.holds {
		paths[i] = h.Path()
	}
	return paths
}

// Guards returns operations for session.Manager.Txn, one for each znode. If any
// of the znodes is gone, the server rejects the whole transaction, and the
// error is session.ErrLost.
func (b *Bundle) Guards() []session.Op {
	b.made()
	guards := make([]session.Op, len(b.holds))
	for i, h := range b.holds {
		guards[i] = h.Guard()
	}
	return guards
}

// Release gives all of the holds back: first the context ends, then the znodes
// are deleted. It returns when they are gone, which takes at most as long as
// the session can last without a server. It may be called any number of times,
// late and concurrently; all calls return the same error.
//
// The error is nil if all of the holds lasted until the first call. Otherwise
// it says why a hold was lost (session.ErrLost), or why a znode cannot be
// removed. Holds whose deadline has passed are lost, even if their contexts have
// not ended yet.
func (b *Bundle) Release() error {
	b.made()
	b.release.Do(func() {
		b.look()
		b.cancel(core.ErrReleased)
		for _, unlink := range b.unlink {
			unlink()
		}
		cause := context.Cause(b.ctx)
		var errs []error
		if errors.Is(cause, core.ErrLost) {
			errs = append(errs, fmt.Errorf("a part of it was lost before its release: %w", cause))
		}
		for _, err := range releaseAll(b.holds, b.width) {
			if err != nil && !errors.Is(err, core.ErrLost) { // a loss is reported above, unless it came later
				errs = append(errs, err)
			}
		}
		b.result = core.Failed(opRelease, b.path, oneline.Join(errs...))
	})
	return b.result
}

// releaseAll releases holds, the last first, width at a time. It returns an
// error for each hold.
func releaseAll(holds []*Hold, width int) []error {
	last := len(holds) - 1
	errs := each(len(holds), width, func(i int) error { return holds[last-i].Release() })
	slices.Reverse(errs)
	return errs
}

// each calls f for 0 to n-1, width at a time. It calls f for all of them,
// whatever f returns, and returns the errors.
func each(n, width int, f func(int) error) []error {
	errs := make([]error, n)
	if n == 1 {
		errs[0] = f(0)
		return errs
	}
	var work errgroup.Group
	work.SetLimit(width)
	for i := range n {
		work.Go(func() error {
			errs[i] = f(i)
			return nil
		})
	}
	_ = work.Wait()
	return errs
}
