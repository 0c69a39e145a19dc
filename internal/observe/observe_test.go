package observe_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/observe"
	"github.com/docent-go/docent/session"
)

func TestBelow(t *testing.T) {
	name := observe.Below(map[string]string{"/a": "a", "/a/b/c": "c", "/d": "d"})
	for path, want := range map[string]string{
		"/a": "a", "/a/x": "a", "/a/b": "a", "/a/b/c": "c", "/a/b/c/lock-1": "c", "/ab": "", "/": "", "/d": "d", "": "",
	} {
		require.Equal(t, want, name(path), path)
	}
	require.Equal(t, "all", observe.Below(map[string]string{"/": "all"})("/a/b"))
}

// However many names a function makes, there is an end to them.
func TestNamesAreBounded(t *testing.T) {
	n := observe.Names{Of: func(path string) string { return path }}
	for i := range observe.MaxNames {
		require.Equal(t, fmt.Sprint(i), n.Name(fmt.Sprint(i)))
	}
	require.Equal(t, "overflow", n.Name("one more"))
	require.Equal(t, "7", n.Name("7"))
	require.Equal(t, observe.Unnamed, n.Name(""))
	require.Equal(t, observe.Unnamed, new(observe.Names).Name("/a"))
}

func TestLabels(t *testing.T) {
	require.Equal(t, "expired", observe.Cause(fmt.Errorf("lost: %w", session.ErrExpired)))
	require.Equal(t, "other", observe.Cause(errors.New("new")))
	require.Equal(t, "ok", observe.Result(nil))
	require.Equal(t, "no_node", observe.Result(&session.OpError{Err: session.ErrNoNode}))
	require.Equal(t, "unknown_outcome", observe.Result(fmt.Errorf("%w: %w", session.ErrNodeExists, session.ErrUnknownOutcome)))

	try := session.WaitInfo{Try: true}
	for want, w := range map[string]struct {
		session.WaitInfo
		err error
	}{
		"acquired": {}, "gave_up": {try, context.DeadlineExceeded}, "busy": {try, errors.New("somebody else")},
		"failed": {try, &session.OpError{Err: session.ErrNoAuth}},
	} {
		require.Equal(t, want, observe.Wait(w.WaitInfo, w.err))
	}
	require.Equal(t, "failed", observe.Wait(session.WaitInfo{}, errors.New("exhausted")))
}
