package core_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

func TestFailed(t *testing.T) {
	require.NoError(t, core.Failed("lock", "/a", nil))

	request := &core.OpError{Op: "create", Path: "/a/lock-", Session: 0x1a, Err: core.ErrNoAuth}
	err := core.Failed("lock", "/a", fmt.Errorf("wait: %w", request))
	require.EqualError(t, err, "lock /a: wait: create /a/lock-: the ACL denies access (session 0x1a)")
	require.ErrorIs(t, err, core.ErrNoAuth)
	var op *core.OpError
	require.ErrorAs(t, err, &op)
	require.Equal(t, "lock", op.Op)
	require.EqualValues(t, 0x1a, op.Session)

	require.Same(t, request, core.Failed("create", "/a/lock-", request), "the same verb and path are not said twice")
	set := &core.OpError{Op: "set", Path: "/a", Session: 0x1a, Err: core.ErrNoAuth}
	require.EqualError(t, core.Failed("config set", "/a", set), "config set /a: the ACL denies access (session 0x1a)")
	require.EqualError(t, core.Failed("config update", "/a", set), "config update /a: set /a: the ACL denies access (session 0x1a)")
	require.EqualError(t, core.Failed("config set", "/b", set), "config set /b: set /a: the ACL denies access (session 0x1a)")
	require.EqualError(t, core.Failed("reset", "/a", set), "reset /a: set /a: the ACL denies access (session 0x1a)")
	require.EqualError(t, core.Failed("lock", "/a", core.ErrForeign), "lock /a: "+core.ErrForeign.Error())
}

func TestClosedError(t *testing.T) {
	err := core.ClosedError("the sequence")
	require.EqualError(t, err, "the sequence is closed")
	require.ErrorIs(t, err, core.ErrClosed)
	require.False(t, errors.Is(err, core.ErrLost), "no hold has ended")
	require.ErrorIs(t, core.ErrClosed, core.ErrLost)
}
