package ctxend_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/ctxend"
)

func TestJoin(t *testing.T) {
	broken, why := errors.New("broken"), errors.New("shutting down")
	require.Equal(t, broken, ctxend.Join(t.Context(), broken), "not ctx's doing")

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	err := ctxend.Join(ctx, broken)
	for _, want := range []error{broken, why, context.Canceled} {
		require.ErrorIs(t, err, want)
	}
	err = fmt.Errorf("waiting: %w: %w", context.Canceled, why)
	require.Equal(t, err, ctxend.Join(ctx, err), "it says all of it already")
}

func TestFault27_JoinOfASuccess(t *testing.T) {
	cause := errors.New("cause")
	ctx, cancel := context.WithCancelCause(context.Background())
	require.NoError(t, ctxend.Join(ctx, nil))
	cancel(cause)
	require.NoError(t, ctxend.Join(ctx, nil), "what was done stays done")
	err := ctxend.Join(ctx, errors.New("no answer"))
	require.ErrorIs(t, err, cause)
	require.ErrorIs(t, err, context.Canceled)
	require.NotContains(t, err.Error(), "nil")
}

func TestErr(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	require.NoError(t, ctxend.Err(ctx))
	why := errors.New("shutting down")
	cancel(why)
	require.ErrorIs(t, ctxend.Err(ctx), why)
	require.ErrorIs(t, ctxend.Err(ctx), context.Canceled)
}

func TestIs(t *testing.T) {
	why, other := errors.New("shutting down"), errors.New("broken")
	ctx, cancel := context.WithCancelCause(t.Context())
	require.False(t, ctxend.Is(ctx, context.Canceled), "ctx lasts")
	cancel(why)
	require.True(t, ctxend.Is(ctx, fmt.Errorf("work: %w", context.Canceled)))
	require.True(t, ctxend.Is(ctx, fmt.Errorf("work: %w", why)))
	require.False(t, ctxend.Is(ctx, other))
	require.False(t, ctxend.Is(ctx, nil))
}
