package core_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// operations is the common part of Manager and Session.
type operations interface {
	Get(ctx context.Context, path string) ([]byte, core.Stat, error)
	GetNewest(ctx context.Context, path string) ([]byte, core.Stat, error)
	Exists(ctx context.Context, path string) (core.Stat, bool, error)
	Children(ctx context.Context, path string) ([]string, core.Stat, error)
	Sync(ctx context.Context, path string) error
	Set(ctx context.Context, path string, data []byte, version int32) (core.Stat, error)
	Create(ctx context.Context, path string, data []byte, mode core.Mode) (string, error)
	Delete(ctx context.Context, path string, version int32) error
	Txn(ctx context.Context, ops ...core.Op) ([]core.OpResult, error)
	EnsureDir(ctx context.Context, path string) error
	CreateWithParents(ctx context.Context, path string, data []byte) (core.Stat, error)
}

// eachWay runs f with a Manager and with a Session, with and without a root.
func eachWay(t *testing.T, f func(w *world, ops operations, root string), opts ...zktest.Option) {
	for _, root := range []string{"", "/prod/app"} {
		for _, way := range []string{"manager", "session"} {
			t.Run(way+" at "+root+"/", func(t *testing.T) {
				inWorld(t, func(w *world) {
					p := w.process(func(cfg *core.Config) { cfg.Root = root })
					if way == "manager" {
						f(w, p.Manager, root)
					} else {
						f(w, p.session(), root)
					}
				}, opts...)
			})
		}
	}
}

func TestOperations(t *testing.T) {
	eachWay(t, func(w *world, ops operations, root string) {
		ctx := w.Context()
		path, err := ops.Create(ctx, "/a", []byte("v0"), core.Persistent)
		require.NoError(w, err)
		require.Equal(w, "/a", path)
		n, ok := w.Srv.Node(root + "/a")
		require.True(w, ok)
		require.Equal(w, "v0", string(n.Data))

		data, stat, err := ops.Get(ctx, "/a")
		require.NoError(w, err)
		require.Equal(w, "v0", string(data))
		require.Equal(w, int32(0), stat.Version)
		require.Equal(w, n.Stat.Czxid, stat.Czxid)

		stat, err = ops.Set(ctx, "/a", []byte("v1"), 0)
		require.NoError(w, err)
		require.Equal(w, int32(1), stat.Version)
		stat, err = ops.Set(ctx, "/a", nil, core.AnyVersion)
		require.NoError(w, err)
		require.Equal(w, int32(2), stat.Version)

		stat, found, err := ops.Exists(ctx, "/a")
		require.NoError(w, err)
		require.True(w, found)
		require.Equal(w, int32(2), stat.Version)
		stat, found, err = ops.Exists(ctx, "/nope")
		require.NoError(w, err)
		require.False(w, found)
		require.Zero(w, stat)

		for i, mode := range []core.Mode{core.Sequential, core.EphemeralSequential} {
			path, err = ops.Create(ctx, "/a/n-", nil, mode)
			require.NoError(w, err)
			require.Equal(w, []string{"/a/n-0000000000", "/a/n-0000000001"}[i], path)
		}
		path, err = ops.Create(ctx, "/a/", nil, core.Sequential)
		require.NoError(w, err)
		require.Equal(w, "/a/0000000002", path, "a sequential node may have no name of its own")
		path, err = ops.Create(ctx, "/top-", nil, core.Sequential)
		require.NoError(w, err)
		require.True(w, strings.HasPrefix(path, "/top-0"), path)

		names, stat, err := ops.Children(ctx, "/a")
		require.NoError(w, err)
		slices.Sort(names)
		require.Equal(w, []string{"0000000002", "n-0000000000", "n-0000000001"}, names)
		require.Equal(w, int32(3), stat.NumChildren)
		names, _, err = ops.Children(ctx, "/")
		require.NoError(w, err)
		require.Contains(w, names, "a")

		_, err = ops.Create(ctx, "/c", nil, core.Container)
		require.NoError(w, err)
		n, _ = w.Srv.Node(root + "/c")
		require.True(w, n.Container)
		_, err = ops.Create(ctx, "/e", nil, core.Ephemeral)
		require.NoError(w, err)
		n, _ = w.Srv.Node(root + "/e")
		require.NotZero(w, n.Stat.EphemeralOwner)

		require.NoError(w, ops.Sync(ctx, "/"))
		require.NoError(w, ops.Sync(ctx, "/a"))
		require.NoError(w, ops.Delete(ctx, "/c", 0))
		require.NoError(w, ops.Delete(ctx, "/e", core.AnyVersion))
		require.NoError(w, ops.EnsureDir(ctx, "/x/y/z"))
		require.NoError(w, ops.EnsureDir(ctx, "/x/y/z"), "again")
		require.NoError(w, ops.EnsureDir(ctx, "/"))
		n, ok = w.Srv.Node(root + "/x/y/z")
		require.True(w, ok)
		require.True(w, n.Container)
	})
}

func TestSentinelErrors(t *testing.T) {
	eachWay(t, func(w *world, ops operations, root string) {
		ctx := w.Context()
		_, err := ops.Create(ctx, "/a", nil, core.Persistent)
		require.NoError(w, err)
		_, err = ops.Create(ctx, "/a/b", nil, core.Persistent)
		require.NoError(w, err)
		_, err = ops.Create(ctx, "/e", nil, core.Ephemeral)
		require.NoError(w, err)

		check := func(err error, op, path string, want error) {
			w.Helper()
			require.ErrorIs(w, err, want)
			require.NotErrorIs(w, err, core.ErrUnknownOutcome)
			var at *core.OpError
			require.ErrorAs(w, err, &at)
			require.Equal(w, op, at.Op)
			require.Equal(w, path, at.Path, "the path as the caller wrote it")
			require.NotZero(w, at.Session)
			require.True(w, strings.HasPrefix(err.Error(), op+" "+path+": "), err.Error())
			require.NotContains(w, err.Error(), "/prod", "the root is nobody's business")
		}
		_, _, err = ops.Get(ctx, "/nope")
		check(err, "get", "/nope", zk.ErrNoNode)
		_, _, err = ops.Children(ctx, "/nope")
		check(err, "list children", "/nope", zk.ErrNoNode)
		_, err = ops.Set(ctx, "/nope", nil, core.AnyVersion)
		check(err, "set", "/nope", zk.ErrNoNode)
		_, err = ops.Set(ctx, "/a", nil, 7)
		check(err, "set", "/a", zk.ErrBadVersion)
		_, err = ops.Create(ctx, "/a", nil, core.Persistent)
		check(err, "create", "/a", zk.ErrNodeExists)
		_, err = ops.Create(ctx, "/nope/x", nil, core.Persistent)
		check(err, "create", "/nope/x", zk.ErrNoNode)
		_, err = ops.Create(ctx, "/e/x", nil, core.Persistent)
		check(err, "create", "/e/x", zk.ErrNoChildrenForEphemerals)
		check(ops.Delete(ctx, "/nope", core.AnyVersion), "delete", "/nope", zk.ErrNoNode)
		check(ops.Delete(ctx, "/a", core.AnyVersion), "delete", "/a", zk.ErrNotEmpty)
		check(ops.Delete(ctx, "/e", 3), "delete", "/e", zk.ErrBadVersion)
		check(ops.EnsureDir(ctx, "/e/x/y"), "create parents", "/e/x/y", zk.ErrNoChildrenForEphemerals)
	})
}

// Codes without a sentinel of the client are answers too: they do not count as
// lost, and the requests are not repeated.
func TestUncommonServerErrors(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		var code zktest.Code
		sent := 0
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Path != "/a" {
				return zktest.Pass
			}
			sent++
			return zktest.Fail(code)
		}))
		for c, want := range map[zktest.Code]string{
			zktest.CodeMarshallingError: "MARSHALLINGERROR (-5)", zktest.CodeNotReadOnly: "NOTREADONLY (-119)",
			zktest.CodeUnimplemented: "does not implement", zktest.CodeInvalidACL: "CreatorACL is used without credentials; set Auth",
			zktest.CodeBadArguments: "invalid arguments", -120: "localSessionsUpgradingEnabled", -124: "credentials", -125: "quota",
		} {
			code, sent = c, 0
			_, err := p.Create(w.Context(), "/a", nil, core.Sequential)
			require.ErrorContains(w, err, want)
			require.NotErrorIs(w, err, core.ErrUnknownOutcome)
			_, _, err = p.Get(w.Context(), "/a")
			require.ErrorContains(w, err, want)
			require.Equal(w, 2, sent)
		}
		_, err := p.Create(w.Context(), "/a", nil, core.Container)
		require.Error(w, err)
		code = zktest.CodeUnimplemented
		_, err = p.Create(w.Context(), "/a", nil, core.Container)
		require.ErrorIs(w, err, core.ErrUnimplemented)
	})
}

// Invalid arguments are refused with the reason, and never sent.
func TestBadPathsStayOffTheWire(t *testing.T) {
	bad := []string{
		"", "a", "a/b", "./a", "//", "/a/", "//a", "/a//b", "/.", "/..", "/a/../b", "/a/.", "/a\x00", "/a\n", "/\x7f", "/\u0080",
		"/\ue000", "/\uf8ff", "/\ufff0", "/\uffff", "/\U0001F600", "/\xff", "/a\xc0\x80",
	}
	eachWay(t, func(w *world, ops operations, _ string) {
		ctx := w.Context()
		before := w.Srv.Counts()
		refused := func(path string, err error) {
			w.Helper()
			var reason *znode.PathError
			require.ErrorAs(w, err, &reason, "%q", path)
			var at *core.OpError
			require.ErrorAs(w, err, &at, "%q", path)
			require.NotErrorIs(w, err, core.ErrUnknownOutcome)
		}
		writes := func(path string) {
			_, err := ops.Set(ctx, path, nil, core.AnyVersion)
			refused(path, err)
			for _, mode := range []core.Mode{core.Persistent, core.Ephemeral, core.Container} {
				_, err = ops.Create(ctx, path, nil, mode)
				refused(path, err)
			}
			refused(path, ops.Delete(ctx, path, core.AnyVersion))
			for _, op := range []core.Op{
				core.CreateOp(path, nil, core.Persistent), core.SetOp(path, nil, 0), core.DeleteOp(path, 0), core.CheckOp(path, 0),
			} {
				_, err = ops.Txn(ctx, op)
				refused(path, err)
				require.ErrorContains(w, err, "op 1 ")
			}
		}
		for _, path := range bad {
			_, _, err := ops.Get(ctx, path)
			refused(path, err)
			_, _, err = ops.GetNewest(ctx, path)
			refused(path, err)
			_, _, err = ops.Exists(ctx, path)
			refused(path, err)
			_, _, err = ops.Children(ctx, path)
			refused(path, err)
			refused(path, ops.Sync(ctx, path))
			refused(path, ops.EnsureDir(ctx, path))
			writes(path)
			if s, ok := ops.(*core.Session); ok {
				_, _, _, err = s.GetW(ctx, path)
				refused(path, err)
				_, _, _, err = s.ExistsW(ctx, path)
				refused(path, err)
				_, _, _, err = s.ChildrenW(ctx, path)
				refused(path, err)
				_, err = s.Enter(ctx, path, "lock-", nil)
				require.Error(w, err, "%q", path)
			}
		}
		for _, path := range []string{"/", "/zookeeper", "/zookeeper/quota"} {
			writes(path)
		}
		_, err := ops.Create(ctx, "/zookeeper/x-", nil, core.Sequential)
		refused("/zookeeper/x-", err)
		_, err = ops.Create(ctx, "a-", nil, core.Sequential)
		refused("a-", err)
		for _, mode := range []core.Mode{-1, 5, 6, 99} {
			_, err = ops.Create(ctx, "/a", nil, mode)
			require.ErrorContains(w, err, "is unknown")
			_, err = ops.Txn(ctx, core.CreateOp("/a", nil, mode))
			require.ErrorContains(w, err, "is unknown")
		}
		require.Equal(w, before, w.Srv.Counts(), "nothing was sent")
	})
}

// A root need not exist: the first node below it makes it. When another client
// deletes it, the next call creates it again.
func TestRootOnDemand(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx := w.Context()
		p := w.process(func(cfg *core.Config) { cfg.Root = "/prod/app" })
		require.Equal(w, "/prod/app", p.Root())
		require.Empty(w, w.Srv.Paths(), "connecting creates nothing")
		_, _, err := p.Children(ctx, "/")
		require.ErrorIs(w, err, zk.ErrNoNode)
		_, found, err := p.Exists(ctx, "/")
		require.NoError(w, err)
		require.False(w, found)
		for range 3 {
			_, err = p.Create(ctx, "/a", nil, core.Persistent)
			require.NoError(w, err)
			e, err := p.session().Enter(ctx, "/locks/a", "lock-", nil)
			require.NoError(w, err)
			require.True(w, strings.HasPrefix(e.Path(), "/locks/a/_c_"), e.Path())
			require.NoError(w, p.EnsureDir(ctx, "/x"))
			require.Subset(w, w.Srv.Paths(), []string{"/prod", "/prod/app", "/prod/app/a", "/prod/app/locks/a", "/prod/app/x"})
			require.NoError(w, w.Srv.Remove("/prod"))
			_, _, err = p.Get(ctx, "/a")
			require.ErrorIs(w, err, zk.ErrNoNode)
			_, err = p.Txn(ctx, core.CreateOp("/a", nil, core.Persistent))
			require.ErrorIs(w, err, zk.ErrNoNode)
		}
	})
}

func TestReservedTreeCanBeRead(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		_, _, err := p.Get(w.Context(), "/zookeeper/config")
		require.NoError(w, err)
		names, _, err := p.Children(w.Context(), "/")
		require.NoError(w, err)
		require.Equal(w, []string{"zookeeper"}, names)
	})
}

// Servers without containers get persistent directories, and are asked for a
// container once.
func TestWithoutContainers(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx := w.Context()
		p := w.process()
		require.NoError(w, p.EnsureDir(ctx, "/a/b"))
		_, err := p.session().Enter(ctx, "/locks/a", "lock-", nil)
		require.NoError(w, err)
		require.NoError(w, p.EnsureDir(ctx, "/c/d"))
		for _, path := range []string{"/a", "/a/b", "/locks", "/locks/a", "/c/d"} {
			n, ok := w.Srv.Node(path)
			require.True(w, ok, path)
			require.False(w, n.Container)
		}
		require.Equal(w, 1, w.Srv.Count(zktest.OpCreateContainer))
		_, err = p.Create(ctx, "/x", nil, core.Container)
		require.ErrorIs(w, err, core.ErrUnimplemented, "whoever asks for a container is told")
	}, zktest.NoContainers())
}

// Case 67: a container parent is removed between its creation and its use.
func TestHardCase67_ParentReapedInBetween(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx := w.Context()
		p := w.process()
		reaps := 5
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpCreateContainer && r.Path == "/a/b/c" || r.Op == zktest.OpCreate && r.Flags == 3 {
				if reaps--; reaps >= 0 {
					_ = w.Srv.Remove("/a") // the parents vanish just before their child comes, if they are there
				}
			}
			return zktest.Pass
		}))
		require.NoError(w, p.EnsureDir(ctx, "/a/b/c"))
		require.Equal(w, []string{"/a", "/a/b", "/a/b/c"}, w.Srv.Paths())
		reaps = 5
		e, err := p.session().Enter(ctx, "/a/b/c", "lock-", nil)
		require.NoError(w, err)
		require.Equal(w, []string{e.Name}, w.standing("/a/b/c"))

		reaps = 1 << 30 // without end: the caller's ctx ends it
		w.Srv.ResetCounts()
		err = p.EnsureDir(w.Within(10*time.Second), "/a/b/c")
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.Less(w, w.Srv.Count(zktest.OpCreateContainer), 500, "in no hurry")
	})
}
