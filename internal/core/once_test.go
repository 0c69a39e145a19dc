package core_test

import (
	"context"
	"testing"
	"time"

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
		require.NoError(w, w.Srv.Put("/d", nil))
		p := w.process()
		done := false
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op != zktest.OpCreate || done {
				return zktest.Pass
			}
			done = true
			require.NoError(w, w.Srv.Put("/d/other", nil))
			return zktest.DropRequest
		}))
		require.ErrorIs(w, p.CreateOnce(w.Context(), "/d/x", nil), core.ErrUnknownOutcome)
	})
	inWorld(t, func(w *world) { // the parent may not be looked at, and that is no reason to refuse the create
		require.NoError(w, w.Srv.Put("/d", nil))
		p := w.process()
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
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

// CreateWithParents creates what is missing, and returns the stat of the node.
func TestCreateWithParents(t *testing.T) {
	for _, root := range []string{"", "/prod/app"} {
		for name, opts := range map[string][]zktest.Option{"new server": nil, "old server": {zktest.NoContainers()}} {
			t.Run(name+root, func(t *testing.T) {
				inWorld(t, func(w *world) {
					p := w.process(func(cfg *core.Config) { cfg.Root = root })
					ctx := w.Context()
					for _, path := range []string{"/top", "/a/b/c", "/a/b/d"} {
						stat, err := p.CreateWithParents(ctx, path, []byte("x"))
						require.NoError(w, err)
						node, found := w.Srv.Node(root + path)
						require.True(w, found)
						require.Equal(w, "x", string(node.Data))
						require.Equal(w, core.Stat(node.Stat), stat)
					}
					_, err := p.CreateWithParents(ctx, "/a/b/c", nil)
					require.ErrorIs(w, err, zk.ErrNodeExists)
					_, err = p.CreateWithParents(ctx, "bad", nil)
					require.Error(w, err)
					_, err = p.CreateWithParents(ctx, "/large/x", make([]byte, 1<<20))
					require.ErrorIs(w, err, core.ErrTooLarge)
					w.firstOf(zktest.OpCreate, zktest.LoseReply)
					_, err = p.CreateWithParents(ctx, "/a/done", nil)
					require.ErrorIs(w, err, core.ErrUnknownOutcome)
				}, opts...)
			})
		}
	}
}

// An old server answers without a stat, and the node changes before it is read.
func TestCreateWithParentsOfANodeThatChangesAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpExists && r.Path == "/a" {
				require.NoError(w, w.Srv.Put("/a", nil))
			}
			return zktest.Pass
		}))
		stat, err := p.CreateWithParents(w.Context(), "/a", nil)
		require.NoError(w, err)
		require.Zero(w, stat)
	}, zktest.NoContainers())
}

// The parent is removed again and again before its child comes.
func TestCreateWithParentsThatGoAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		reaps := 5
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpCreate && r.Path == "/a/b" {
				if reaps--; reaps >= 0 {
					require.NoError(w, w.Srv.Remove("/a"))
				}
			}
			return zktest.Pass
		}))
		_, err := p.CreateWithParents(w.Context(), "/a/b", nil)
		require.NoError(w, err)
		require.Equal(w, []string{"/a", "/a/b"}, w.Srv.Paths())

		require.NoError(w, w.Srv.Remove("/a"))
		reaps = 1 << 30
		w.Srv.ResetCounts()
		_, err = p.CreateWithParents(w.Within(10*time.Second), "/a/b", nil)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.Less(w, w.Srv.Count(zktest.OpCreateContainer), 500, "with pauses")
	})
}
