package ctxend

import "context"

// WithHold returns a context that ends with ctx or with the hold, whichever is
// first. context.Cause tells which. The caller must call stop when it no longer
// needs the context.
func WithHold(ctx context.Context, h interface {
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
