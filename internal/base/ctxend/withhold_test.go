package ctxend_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/ctxend"
)

// hold is the part of a hold that WithHold needs.
type hold struct{ ctx context.Context }

func (h hold) Context() context.Context { return h.ctx }
func (h hold) Err() error               { return context.Cause(h.ctx) }

func TestWithHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost, stopping := errors.New("lost"), errors.New("stopping")
		for _, want := range []error{lost, stopping, context.Canceled} {
			ctx, end := context.WithCancelCause(t.Context())
			held, lose := context.WithCancelCause(t.Context())
			within, stop := ctxend.WithHold(ctx, hold{held})
			require.NoError(t, within.Err())
			switch want {
			case lost:
				lose(lost)
			case stopping:
				end(stopping)
			default:
				stop()
			}
			synctest.Wait()
			require.ErrorIs(t, context.Cause(within), want)
			stop()
			lose(nil)
			end(nil)
		}
	})
}
