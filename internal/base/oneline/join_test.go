package oneline_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/oneline"
)

func TestJoin(t *testing.T) {
	require.NoError(t, oneline.Join())
	require.NoError(t, oneline.Join(nil, nil))
	one := errors.New("one")
	require.Same(t, one, oneline.Join(nil, one, nil))
	both := oneline.Join(one, nil, fs.ErrExist, oneline.Join(fs.ErrClosed, fs.ErrInvalid))
	require.EqualError(t, both, "one; file already exists; file already closed; invalid argument")
	for _, err := range []error{one, fs.ErrExist, fs.ErrClosed, fs.ErrInvalid} {
		require.ErrorIs(t, both, err)
	}
	require.NotErrorIs(t, both, fs.ErrNotExist)
	twice := oneline.Join(one, fs.ErrExist, fmt.Errorf("lost before its release: %w", one), fs.ErrExist)
	require.EqualError(t, twice, "file already exists; lost before its release: one")
	require.ErrorIs(t, twice, one)
}
