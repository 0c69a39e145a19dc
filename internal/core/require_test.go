package core_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// The proofs of a transaction leave nothing, whether they succeed or not.
func TestRequire(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		s := w.Process().Current()
		ctx := w.Context()
		for _, dir := range []string{"/", "/dir"} {
			w.Put("/dir", "")
			w.Put("/dir/gone", "")
			w.Remove("/dir/gone")
			lasting, fleeting := znode.Join(dir, "lasting"), znode.Join(dir, "fleeting")
			w.Put(lasting, "")
			_, err := s.Create(ctx, fleeting, nil, core.Ephemeral)
			require.NoError(w, err)
			before := w.Srv.Paths()

			_, err = s.Txn(ctx, core.RequirePersistent(lasting)...)
			require.NoError(w, err)
			_, err = s.Txn(ctx, core.RequirePersistent(fleeting)...)
			require.ErrorIs(w, err, core.ErrNoChildrenForEphemerals)
			_, err = s.Txn(ctx, core.RequirePersistent(znode.Join(dir, "none"))...)
			require.ErrorIs(w, err, core.ErrNoNode)

			_, stat, err := s.Children(ctx, dir)
			require.NoError(w, err)
			_, err = s.Txn(ctx, core.RequireNoCreates(dir, stat)...)
			require.NoError(w, err)
			_, err = s.Txn(ctx, core.RequireNoCreates(dir, stat)...)
			require.ErrorIs(w, err, core.ErrNoNode, "the proof itself has created")
			_, stat, err = s.Children(ctx, dir)
			require.NoError(w, err)
			w.Remove(lasting)
			_, err = s.Txn(ctx, core.RequireNoCreates(dir, stat)...)
			require.NoError(w, err, "a delete is not a create")
			_, stat, err = s.Children(ctx, dir)
			require.NoError(w, err)
			w.Put(lasting, "")
			_, err = s.Txn(ctx, core.RequireNoCreates(dir, stat)...)
			require.ErrorIs(w, err, core.ErrNoNode)
			require.ElementsMatch(w, before, w.Srv.Paths())
		}
	})
}
