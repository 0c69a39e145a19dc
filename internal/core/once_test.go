package core_test

import (
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// CreateOnce finds out the outcome of a create as far as possible.
func TestFault04_CreateOnce(t *testing.T) {
	for _, root := range []string{"", "/prod/app"} {
		inWorld(t, func(w *world) {
			p := w.process(func(cfg *core.Config) { cfg.Root = root })
			ctx := w.Context()
			require.NoError(w, p.CreateOnce(ctx, "/top", nil), "the root is made on demand")
			require.ErrorIs(w, p.CreateOnce(ctx, "/top", nil), zk.ErrNodeExists)
			require.ErrorIs(w, p.CreateOnce(ctx, "/none/x", nil), zk.ErrNoNode)
			require.Error(w, p.CreateOnce(ctx, "bad", nil))
			require.ErrorIs(w, p.CreateOnce(ctx, "/large", make([]byte, 1<<20)), core.ErrTooLarge)

			w.firstOf(zktest.OpCreate, zktest.DropRequest)
			require.NoError(w, p.CreateOnce(ctx, "/top/dropped", []byte("x")), "certainly not done, so sent again")

			w.firstOf(zktest.OpCreate, zktest.LoseReply)
			err := p.CreateOnce(ctx, "/top/done", []byte("x"))
			require.ErrorIs(w, err, core.ErrUnknownOutcome)
			require.ErrorIs(w, err, zk.ErrNodeExists, "it stays open who has made it")

			w.firstOf(zktest.OpCreate, zktest.Fail(zktest.CodeSystemError))
			err = p.CreateOnce(ctx, "/top/open", nil)
			require.NotErrorIs(w, err, core.ErrUnknownOutcome)
			require.ErrorContains(w, err, "SYSTEMERROR")
		})
	}
	inWorld(t, func(w *world) { // another child comes meanwhile: then the parent does not tell
		require.NoError(w, w.srv.Put("/d", nil))
		p := w.process()
		done := false
		w.Cleanup(w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op != zktest.OpCreate || done {
				return zktest.Pass
			}
			done = true
			require.NoError(w, w.srv.Put("/d/other", nil))
			return zktest.DropRequest
		}))
		require.ErrorIs(w, p.CreateOnce(w.Context(), "/d/x", nil), core.ErrUnknownOutcome)
	})
	inWorld(t, func(w *world) { // the parent may not be looked at, and that is no reason to refuse the create
		require.NoError(w, w.srv.Put("/d", nil))
		p := w.process()
		w.Cleanup(w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpExists && r.Path == "/d" {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		}))
		require.NoError(w, p.CreateOnce(w.Context(), "/d/x", nil))
		w.firstOf(zktest.OpCreate, zktest.DropRequest)
		require.ErrorIs(w, p.CreateOnce(w.Context(), "/d/y", nil), core.ErrUnknownOutcome)
	})
}
