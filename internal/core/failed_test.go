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
	require.EqualError(t, core.Failed("set key", "/a", set), "set key /a: the ACL denies access (session 0x1a)")
	require.EqualError(t, core.Failed("update key", "/a", set), "update key /a: set: the ACL denies access (session 0x1a)")
	require.EqualError(t, core.Failed("set key", "/b", set), "set key /b: set /a: the ACL denies access (session 0x1a)")
	require.EqualError(t, core.Failed("settle", "/a", set), "settle /a: set: the ACL denies access (session 0x1a)")
	require.EqualError(t, core.Failed("lock", "/a", core.ErrForeign), "lock /a: "+core.ErrForeign.Error())
}

// Ids of servers numbered 128 and above are negative numbers, and are printed as
// ZooKeeper's tools print them.
func TestSessionsAreNamed(t *testing.T) {
	const id = -0x7eff5b0d3b71fffd
	require.EqualError(t, &core.OpError{Op: "get", Path: "/a", Session: id, Err: core.ErrNoNode},
		"get /a: the znode does not exist (session 0x8100a4f2c48e0003)")
	for _, c := range []struct {
		err   error
		is    error
		words string
	}{
		{core.IDTaken(id, false), core.ErrIDTaken,
			"the id is in use: session 0x8100a4f2c48e0003 holds it; choose another id, or end the process that holds it"},
		{core.IDTaken(0, false), core.ErrIDTaken, "the id is in use; choose another id, or end the process that holds it"},
		{core.IDTaken(id, true), core.ErrIDTaken,
			"the id is in use: this process holds it, in session 0x8100a4f2c48e0003; choose another id, or give up the first"},
		{core.IDTaken(0, true), core.ErrIDTaken, "the id is in use: this process holds it; choose another id, or give up the first"},
		{core.Replaced(id), core.ErrReplaced, "another process has put its znode in the place of this one: " +
			"session 0x8100a4f2c48e0003 holds it; give each process an id of its own, or end one of the two"},
	} {
		require.EqualError(t, c.err, c.words)
		require.ErrorIs(t, c.err, c.is)
	}
}

func TestClosedError(t *testing.T) {
	err := core.ClosedError("the sequence")
	require.EqualError(t, err, "the sequence is closed")
	require.ErrorIs(t, err, core.ErrClosed)
	require.False(t, errors.Is(err, core.ErrLost), "no hold has ended")
	require.ErrorIs(t, core.ErrClosed, core.ErrLost)
}
