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

func TestBounded(t *testing.T) {
	require.NoError(t, oneline.Bounded(nil, nil))
	one := errors.New("one")
	require.Same(t, one, oneline.Bounded(nil, one))
	var many []error
	for n := range oneline.Named + 2 {
		many = append(many, fmt.Errorf("reason %d", n))
	}
	require.EqualError(t, oneline.Bounded(many[:oneline.Named]...), "reason 0; reason 1; reason 2; reason 3; reason 4; reason 5; reason 6; reason 7")
	all := oneline.Bounded(many...)
	require.EqualError(t, all, "reason 0; reason 1; reason 2; reason 3; reason 4; reason 5; reason 6; reason 7; and 2 more")
	for _, err := range many {
		require.ErrorIs(t, all, err, "also those that are not shown")
	}
}

func TestNames(t *testing.T) {
	require.Empty(t, oneline.Names(nil))
	require.Equal(t, "a, b", oneline.Names([]string{"a", "b"}))
	require.Equal(t, "1, 2, 3, 4, 5, 6, 7, 8", oneline.Names([]string{"1", "2", "3", "4", "5", "6", "7", "8"}))
	require.Equal(t, "1, 2, 3, 4, 5, 6, 7, 8 and 3 more", oneline.Names([]string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}))
}
