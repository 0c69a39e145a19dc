package line

import (
	"context"
	"time"

	"github.com/docent-go/docent/internal/chance"
)

// Pause waits before attempt n of a call that fails repeatedly. For a negative
// n it does not wait. Otherwise it waits a random time below a bound, which is
// least for n = 0 and doubles with each n, up to most. It returns ctx's error
// if ctx ends first.
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
// first. context.Cause tells which. The caller must call stop when it no longer
// needs the context.
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
