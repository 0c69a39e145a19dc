// Package ctxend makes errors say that a context has ended, and why, and ends
// contexts with holds.
package ctxend

import (
	"context"
	"errors"
	"fmt"
)

// Join makes sure that an error after the end of ctx also matches ctx.Err()
// and context.Cause(ctx). Without an error there is none: what was done stays
// done if ctx ends afterwards.
func Join(ctx context.Context, err error) error {
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

// Err is nil while ctx lasts. After the end of ctx it matches ctx.Err() and
// context.Cause(ctx).
func Err(ctx context.Context) error { return Join(ctx, ctx.Err()) }

// Is reports whether ctx has ended and err says so: err matches ctx.Err() or
// context.Cause(ctx). It returns false for a nil error.
func Is(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}
