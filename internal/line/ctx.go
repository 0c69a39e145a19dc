package line

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/chance"
)

// GaveUp makes sure that an error that came of ctx's end says so: it matches
// ctx.Err() and context.Cause(ctx) besides what it matches already. Without an
// error there is none: what was done stays done when ctx ends afterwards.
func GaveUp(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	for _, reason := range []error{ctx.Err(), context.Cause(ctx)} {
		if !errors.Is(err, reason) {
			err = fmt.Errorf("%w: %w", err, reason)
		}
	}
	return err
}

// Pause waits before attempt n of something that keeps ending too soon: not at
// all for a negative n, then for a random time below least, which doubles with
// each n up to most. It returns ctx's error if that ends first.
func Pause(ctx context.Context, n int, least, most time.Duration) error {
	if n < 0 {
		return ctx.Err()
	}
	bound := most
	if n < 32 && least<<n < most {
		bound = least << n
	}
	timer := time.NewTimer(chance.N(bound) + 1)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Within returns a context that ends with ctx or with the hold, whichever is
// first; context.Cause tells which. The caller calls stop when it is done.
func Within(ctx context.Context, h interface {
	Context() context.Context
	Err() error
}) (within context.Context, stop func()) {
	within, cancel := context.WithCancelCause(ctx)
	unlink := context.AfterFunc(h.Context(), func() { cancel(h.Err()) })
	return within, func() {
		unlink()
		cancel(context.Canceled)
	}
}
