package line_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/line"
)

func TestFault27_GaveUpOfASuccess(t *testing.T) {
	cause := errors.New("cause")
	ctx, cancel := context.WithCancelCause(context.Background())
	require.NoError(t, line.GaveUp(ctx, nil))
	cancel(cause)
	require.NoError(t, line.GaveUp(ctx, nil), "what was done stays done")
	err := line.GaveUp(ctx, errors.New("no answer"))
	require.ErrorIs(t, err, cause)
	require.ErrorIs(t, err, context.Canceled)
	require.NotContains(t, err.Error(), "nil")
}
