//go:build unix

package inspect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/session"
)

// Real servers accept and refuse the proofs of RemoveAbandoned.
func TestRemoveAbandoned(t *testing.T) {
	w := inWorld(t)
	ctx, sm := w.within(patience), w.docent()
	const contender, ready = "/l/_c_00000000-1111-4222-8333-000000000001-lock-0000000000", "/d/ready"
	make := func(path, data string, mode session.Mode) {
		_, err := sm.Create(ctx, path, []byte(data), mode)
		require.NoError(t, err)
	}
	for _, dir := range []string{"/l", "/d"} {
		require.NoError(t, sm.EnsureDir(ctx, dir))
	}
	make("/l/kept-0000000001", "", session.Persistent)
	make("/d/kept", "", session.Persistent)
	for range 2 { // the second time, both directories have seen deletes
		make(contender, "", session.Persistent)
		make(ready, `{"round":3,"members":["member-a"]}`, session.Persistent)
		require.NoError(t, inspect.RemoveAbandoned(ctx, w.looker, contender))
		require.NoError(t, inspect.RemoveAbandoned(ctx, w.looker, ready))
		for dir, kept := range map[string]string{"/l": "kept-0000000001", "/d": "kept"} {
			names, _, err := sm.Children(ctx, dir)
			require.NoError(t, err)
			require.Equal(t, []string{kept}, names)
		}
	}
	make(contender, "", session.Ephemeral)
	require.ErrorIs(t, inspect.RemoveAbandoned(ctx, w.looker, contender), inspect.ErrNotAbandoned)
	require.ErrorIs(t, inspect.RemoveAbandoned(ctx, w.looker, ready), session.ErrNoNode)
}
