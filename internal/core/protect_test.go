package core_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// onCreate lets act handle the n-th create of a sequential node (from 1).
func (w *world) onCreate(act func(n int, r zktest.Request) zktest.Action) {
	n := 0
	w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op != zktest.OpCreate || r.Flags != 3 {
			return zktest.Pass
		}
		n++
		return act(n, r)
	}))
}

// standing returns the children of dir.
func (w *world) standing(dir string) []string {
	w.Helper()
	n, ok := w.Srv.Node(dir)
	if !ok {
		return nil
	}
	return n.Children
}

func (w *world) enter(p *process, ctx context.Context) (*core.Entry, error) {
	return p.session().Enter(ctx, "/locks/a", "lock-", []byte("me"))
}

func TestEnterCostsOneCreateAndOneList(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
		w.Srv.ResetCounts()
		for range 100 {
			e, err := w.enter(p, w.Context())
			require.NoError(w, err)
			require.Contains(w, e.Children, e.Name)
			require.Equal(w, znode.Join("/locks/a", e.Name), e.Path())
		}
		require.Equal(w, map[zktest.Op]int{zktest.OpCreate: 100, zktest.OpGetChildren2: 100}, w.Srv.Counts())
	})
}

// Case 1: the create was executed, and its answer lost.
func TestHardCase01_CreateDoneReplyLost(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		w.onCreate(func(n int, _ zktest.Request) zktest.Action {
			if n <= 3 {
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		for range 4 {
			e, err := w.enter(p, w.Context())
			require.NoError(w, err)
			require.Equal(w, []string{e.Name}, w.standing("/locks/a"), "one create, one node")
			n, ok := w.Srv.Node(e.Path())
			require.True(w, ok)
			require.Equal(w, p.session().ID(), n.Stat.EphemeralOwner)
			require.NoError(w, e.Remove(w.Context()))
		}
	})
}

// Case 1, the other way round: the create was not executed.
func TestHardCase01_CreateNotDone(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		w.onCreate(func(n int, _ zktest.Request) zktest.Action {
			if n <= 3 {
				return zktest.DropRequest
			}
			return zktest.Pass
		})
		e, err := w.enter(p, w.Context())
		require.NoError(w, err)
		require.Equal(w, []string{e.Name}, w.standing("/locks/a"))
	})
}

// Case 2: every request that could find the node fails while the caller waits.
// The node must be deleted nevertheless, once the server can be reached.
func TestHardCase02_GhostIsSwept(t *testing.T) {
	inWorld(t, func(w *world) {
		rec := new(record)
		p := w.process(rec.hook)
		require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
		w.onCreate(func(int, zktest.Request) zktest.Action {
			p.link.Refuse(true)
			return zktest.LoseReply
		})
		_, err := w.enter(p, w.Within(3*time.Second))
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.Len(w, w.standing("/locks/a"), 1, "the ghost")
		p.link.Refuse(false)
		w.eventually("the ghost is swept", func() bool { return len(w.standing("/locks/a")) == 0 })
		require.Len(w, rec.sweptList(), 1)
		require.True(w, rec.sweptList()[0].Found)
		require.Equal(w, core.Connected, p.State(), "in the session that made it")
	})
}

// The answer to the deletion of a swept node is lost. The hooks get it once,
// with Found.
func TestLostAnswerOfASweep(t *testing.T) {
	for _, action := range []zktest.Action{zktest.LoseReply, zktest.DropRequest} {
		inWorld(t, func(w *world) {
			rec := new(record)
			p := w.process(rec.hook)
			require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
			e, err := w.enter(p, w.Context())
			require.NoError(w, err)
			w.firstOf(zktest.OpDelete, action)
			e.Abandon()
			w.eventually("the node is swept", func() bool { return len(rec.sweptList()) > 0 })
			require.Empty(w, w.standing("/locks/a"))
			require.Equal(w, []core.SweptInfo{{Path: e.Path(), Session: p.session().ID(), Found: true}}, rec.sweptList())
		})
	}
}

// Case 2, continued: if the session ends before the node is swept, the server
// removes it, and no goroutine of the sweep is left.
func TestHardCase02_GhostGoesWithItsSession(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
		s := p.session()
		w.onCreate(func(int, zktest.Request) zktest.Action {
			p.link.Refuse(true)
			return zktest.LoseReply
		})
		_, err := w.enter(p, w.Within(time.Second))
		require.Error(w, err)
		<-s.Done()
		w.eventually("the server expires it", func() bool { return len(w.standing("/locks/a")) == 0 })
		p.link.Refuse(false)
		p.next(s)
	})
}

// Case 3: the caller gives up while the create is outstanding.
func TestHardCase03_CancelledDuringCreate(t *testing.T) {
	for name, act := range map[string]zktest.Action{
		"then done":           zktest.Delay(2 * time.Second),
		"then the reply lost": zktest.LoseReply,
		"then dropped":        zktest.DropRequest,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				rec := new(record)
				p := w.process(rec.hook)
				require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
				ctx, cancel := context.WithCancel(w.Context())
				w.onCreate(func(int, zktest.Request) zktest.Action {
					cancel()
					return act
				})
				_, err := w.enter(p, ctx)
				require.ErrorIs(w, err, context.Canceled)
				w.eventually("swept", func() bool { return len(rec.sweptList()) == 1 })
				require.Empty(w, w.standing("/locks/a"))
			})
		})
	}
}

// Case 4: the clean-up itself is disturbed, again and again.
func TestHardCase04_SweepIsDisturbed(t *testing.T) {
	inWorld(t, func(w *world) {
		rec := new(record)
		p := w.process(rec.hook)
		require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
		ctx, cancel := context.WithCancel(w.Context())
		w.onCreate(func(int, zktest.Request) zktest.Action {
			cancel()
			return zktest.LoseReply
		})
		disturbed := 0
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			switch r.Op {
			case zktest.OpSync, zktest.OpGetChildren2, zktest.OpDelete:
				if disturbed++; disturbed < 10 {
					return zktest.DropRequest
				}
			}
			return zktest.Pass
		}))
		_, err := w.enter(p, ctx)
		require.ErrorIs(w, err, context.Canceled)
		w.eventually("swept", func() bool { return len(rec.sweptList()) == 1 })
		require.Empty(w, w.standing("/locks/a"))
		require.GreaterOrEqual(w, disturbed, 10)
	})
}

// Case 5: a node of an earlier session is never taken for ours: each session
// looks for its own names, and compares the owner.
func TestHardCase05_NodeOfTheOldSession(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
		s := p.session()
		w.onCreate(func(n int, _ zktest.Request) zktest.Action {
			if n == 1 {
				p.link.Cut(zktest.Both)
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		_, err := w.enter(p, w.Context())
		require.ErrorIs(w, err, core.ErrSessionEnded)
		require.ErrorIs(w, err, core.ErrTrustElapsed)
		old := w.standing("/locks/a")
		require.Len(w, old, 1, "the server has not expired the old session yet")
		p.link.Heal()
		p.next(s)
		e, err := w.enter(p, w.Context())
		require.NoError(w, err)
		require.NotEqual(w, old[0], e.Name)
		n, ok := w.Srv.Node(e.Path())
		require.True(w, ok)
		require.Equal(w, p.session().ID(), n.Stat.EphemeralOwner)
	})
}

// Case 6: after the lost answer, the next server lags behind and does not show
// the node yet. Without the Sync before the look-up there would be two.
func TestHardCase06_LaggingFollower(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
		id := p.session().ID()
		w.onCreate(func(n int, _ zktest.Request) zktest.Action {
			if n == 1 {
				w.Srv.Lag(id)
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		e, err := w.enter(p, w.Context())
		require.NoError(w, err)
		require.Equal(w, []string{e.Name}, w.standing("/locks/a"))
	})
}

// Case 7: under a root, the look-up and the clean-up use the right paths.
func TestHardCase07_RootAndCleanUp(t *testing.T) {
	inWorld(t, func(w *world) {
		rec := new(record)
		p := w.process(rec.hook, func(cfg *core.Config) { cfg.Root = "/prod/app" })
		require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
		ctx, cancel := context.WithCancel(w.Context())
		w.onCreate(func(n int, _ zktest.Request) zktest.Action {
			if n == 2 {
				cancel()
			}
			return zktest.LoseReply
		})
		e, err := w.enter(p, w.Context())
		require.NoError(w, err)
		require.True(w, strings.HasPrefix(e.Path(), "/locks/a/_c_"), e.Path())
		require.Equal(w, []string{e.Name}, w.standing("/prod/app/locks/a"))
		require.NoError(w, e.Remove(w.Context()))
		_, err = w.enter(p, ctx)
		require.Error(w, err)
		w.eventually("swept", func() bool { return len(rec.sweptList()) == 1 })
		require.Empty(w, w.standing("/prod/app/locks/a"))
	})
}

// Case 8: a name is protected once, however often the create is repeated.
func TestHardCase08_ProtectedOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		w.onCreate(func(n int, r zktest.Request) zktest.Action {
			if strings.Count(r.Path, "_c_") != 1 {
				w.Errorf("created as %s", r.Path)
			}
			if n < 4 {
				return zktest.DropRequest
			}
			return zktest.Pass
		})
		e, err := w.enter(p, w.Context())
		require.NoError(w, err)
		guid, ok := znode.GUID(e.Name)
		require.True(w, ok)
		require.Equal(w, "_c_"+guid+"-lock-0000000000", e.Name)
	})
}

// A sibling named like a protected node, but shorter, makes the client's own
// helper panic.
func TestEnterAmongHostileSiblings(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, name := range []string{"_c_x", "_c_", "_c_" + strings.Repeat("a", 36), "lock-", "lock-99999999999", "\u00e9-lock-00000000x1"} {
			require.NoError(w, w.Srv.Put("/locks/a/"+name, nil))
		}
		p := w.process()
		w.onCreate(func(int, zktest.Request) zktest.Action { return zktest.LoseReply })
		_, err := w.enter(p, w.Context())
		require.NoError(w, err)
	})
}

// Case 67: the directory is a container that the server removes between its
// creation and the create of the node.
func TestHardCase67_DirectoryReaped(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		w.onCreate(func(n int, _ zktest.Request) zktest.Action {
			if n < 5 {
				if err := w.Srv.Remove("/locks/a"); err != nil && n > 1 {
					w.Errorf("remove: %v", err)
				}
			}
			return zktest.Pass
		})
		e, err := w.enter(p, w.Context())
		require.NoError(w, err)
		require.Equal(w, []string{e.Name}, w.standing("/locks/a"))
	})
}

// A list that fails after the create was done leaves no node behind.
func TestEnterMayNotList(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/locks/a", nil))
		owner := w.client()
		_, err := owner.SetACL("/locks/a", zk.WorldACL(zk.PermCreate|zk.PermDelete), -1)
		require.NoError(w, err)
		p := w.process()
		_, err = w.enter(p, w.Context())
		require.ErrorIs(w, err, zk.ErrNoAuth)
		require.ErrorContains(w, err, "/locks/a")
		w.eventually("no node is left", func() bool { return len(w.standing("/locks/a")) == 0 })
	})
}

// A thousand callers that give up at once leave no node.
func TestManyAbandoned(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		var nodes []*core.Entry
		for range 1000 {
			e, err := w.enter(p, w.Context())
			require.NoError(w, err)
			e.Children = nil
			nodes = append(nodes, e)
		}
		for _, e := range nodes {
			e.Abandon()
		}
		w.eventually("all are gone", func() bool { return len(w.standing("/locks/a")) == 0 })
		synctest.Wait()
	})
}
