package waitqueue

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/core"
)

// InSessions makes attempts in the present session, and in later ones, until an
// attempt succeeds or fails for good. It repeats an attempt whose node was
// deleted or whose session ended. After Close, the next attempt finds no session
// and ends with ErrClosed. If ctx ends first, the error matches both ctx.Err()
// and context.Cause(ctx).
func InSessions[T any](ctx context.Context, m *core.Manager, attempt func(s *core.Session) (T, error)) (T, error) {
	var none T
	for n := 0; ; n++ {
		s, err := m.Session(ctx)
		if err != nil {
			return none, ctxend.Join(ctx, err)
		}
		result, err := attempt(s)
		switch {
		case err == nil:
			return result, nil
		case ctx.Err() != nil:
			return none, ctxend.Join(ctx, err)
		case !errors.Is(err, core.ErrLost) && !errors.Is(err, core.ErrSessionEnded):
			return none, err
		}
		if err := backoff.Lost.Wait(ctx, n-1); err != nil {
			return none, err
		}
	}
}
