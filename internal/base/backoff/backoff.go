// Package backoff makes the pauses between the attempts of a call that fails
// repeatedly.
package backoff

import (
	"context"
	"time"

	"github.com/docent-go/docent/internal/base/chance"
	"github.com/docent-go/docent/internal/base/ctxend"
)

// Backoff is a series of growing, random pauses. They are random so that
// processes that failed together do not try again together.
type Backoff struct {
	// Min is the bound of the first pause. The bound doubles with each pause,
	// up to Max.
	Min, Max time.Duration
	// Floor is the shortest pause, unless the bound is shorter.
	Floor time.Duration
}

// Pause returns the n-th pause, counted from zero: a random time between Floor
// and the bound. It is zero for a negative n, so a caller with n-1 repeats once
// without a pause.
func (b Backoff) Pause(n int) time.Duration {
	if n < 0 {
		return 0
	}
	bound := b.Max
	if n < 63 && b.Min < b.Max>>n {
		bound = b.Min << n
	}
	if bound <= b.Floor {
		return bound
	}
	return b.Floor + 1 + chance.N(bound-b.Floor)
}

// Wait waits for the n-th pause. If ctx ends first, or has ended, Wait returns
// the error of ctx, as ctxend.Err does.
func (b Backoff) Wait(ctx context.Context, n int) error {
	pause := b.Pause(n)
	if pause == 0 {
		return ctxend.Err(ctx)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctxend.Err(ctx)
}

// After returns a channel that gets the time once d is over, and a function that
// stops its timer. For a d of zero or less the channel is nil, which blocks.
func After(d time.Duration) (over <-chan time.Time, stop func()) {
	if d <= 0 {
		return nil, func() {}
	}
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}
