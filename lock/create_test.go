package lock_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// once applies an action to the first n requests of a kind.
func (w *world) once(op zktest.Op, n int, action func() zktest.Action) (remove func()) {
	return w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op != op || n == 0 {
			return zktest.Pass
		}
		n--
		return action()
	})
}

func TestHardCase01_ReplyLost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		w.once(zktest.OpCreate, 1, testworld.Always(zktest.LoseReply))
		var h *lock.Hold
		counts := w.Count(func() { h = p.lock() })
		require.Equal(t, 1, counts["create"], "it is found again, not made again")
		require.Equal(t, []string{strings.TrimPrefix(h.Path(), dir+"/")}, w.nodes())
		info, _ := w.Srv.Node(h.Path())
		require.Equal(t, p.Current().ID(), info.Stat.EphemeralOwner)
		require.NoError(t, h.Release())
		require.Empty(t, w.nodes())
	})
}

// The znode exists, and the caller has ended before it could find the znode
// again.
func TestHardCase02_Ghost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p, other := w.process(), w.process()
		require.NoError(t, p.lock().Release())
		w.once(zktest.OpCreate, 1, func() zktest.Action {
			p.Link.Refuse(true)
			return zktest.LoseReply
		})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := p.mutex().Lock(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, w.nodes(), 1, "the ghost")
		q := other.queue()
		require.True(t, q.Waiting())
		p.Link.Refuse(false)
		w.within(3*time.Second, func() { q.Get() })
		require.Len(t, w.nodes(), 1, "it was removed long before the session could end")
	})
}

func TestHardCase03_CancelledCreate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		answer := make(chan struct{})
		w.once(zktest.OpCreate, 1, testworld.Always(zktest.Hold(answer)))
		q := p.queue()
		require.ErrorIs(t, testworld.ErrOf(q.GiveUp()), context.Canceled)
		require.Empty(t, w.nodes())
		close(answer)
		synctest.Wait()
		require.Empty(t, w.nodes(), "made after its caller had gone, and swept")
		require.NoError(t, p.lock().Release())
	})
}

// What cleans up has no context of the caller's, and does not give up either.
func TestHardCase04_CleanupDisturbed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		h := w.process().lock()
		q := p.queue()
		w.once(zktest.OpDelete, 3, testworld.Always(zktest.DropRequest))
		require.ErrorIs(t, testworld.ErrOf(q.GiveUp()), context.Canceled)
		require.Len(t, w.nodes(), 2)
		time.Sleep(5 * time.Second)
		require.Len(t, w.nodes(), 1)
		require.NoError(t, h.Err())
	})
}

// The znode of a create in a session that then ended must not be taken for ours
// in the next.
func TestHardCase05_OldSessionsNode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		old := p.Current().ID()
		w.once(zktest.OpCreate, 1, func() zktest.Action {
			p.Link.Refuse(true)
			return zktest.LoseReply
		})
		q := p.queue()
		require.Len(t, w.nodes(), 1)
		left := w.nodes()[0]
		w.Srv.Expire(old)
		p.Link.Refuse(false)
		h := q.Get()
		require.NotEqualValues(t, old, h.SessionID())
		require.NotContains(t, h.Path(), left)
		info, found := w.Srv.Node(h.Path())
		require.True(t, found)
		require.EqualValues(t, h.SessionID(), info.Stat.EphemeralOwner)
	})
}

// A server that lags must not hide a node whose create lost its answer: a
// quorum is asked before the search.
func TestHardCase06_LaggingFollower(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		w.once(zktest.OpCreate, 1, testworld.Always(zktest.LoseReply))
		var mu sync.Mutex
		var after []zktest.Op
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			mu.Lock()
			defer mu.Unlock()
			if r.Op != zktest.OpPing {
				after = append(after, r.Op)
			}
			return zktest.Pass
		})
		h := p.lock()
		require.NoError(t, h.Err())
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		i := 0
		for i < len(after) && after[i] != zktest.OpMulti {
			i++
		}
		require.Contains(t, after[i:], zktest.OpGetChildren2, "check, then list, in %v", after)
		require.Len(t, w.nodes(), 1)
	})
}

func TestHardCase07_Chroot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process(func(c *session.Config) { c.Root = "/prod/app" })
		h := p.lock()
		require.Contains(t, h.Path(), dir+"/", "the caller never sees the root")
		w.once(zktest.OpCreate, 1, testworld.Always(zktest.LoseReply))
		q := p.queue()
		time.Sleep(time.Second)
		require.ErrorIs(t, testworld.ErrOf(q.GiveUp()), context.Canceled)
		require.NoError(t, h.Release())
		synctest.Wait()
		require.Equal(t, []string{"/prod", "/prod/app", "/prod/app/locks", "/prod/app" + dir}, w.Srv.Paths())
	})
}

func TestHardCase08_PrefixOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		w.once(zktest.OpCreate, 2, testworld.Always(zktest.DropRequest))
		h := p.lock()
		require.Equal(t, 1, strings.Count(h.Path(), "_c_"))
		require.Len(t, w.nodes(), 1)
		// And again in the next session.
		w.Srv.Expire(p.Current().ID())
		<-h.Done()
		h = p.lock()
		require.Equal(t, 1, strings.Count(h.Path(), "_c_"))
		require.Len(t, w.nodes(), 1)
	})
}

func TestHardCase11_ClosedDuringCreate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		answer := make(chan struct{})
		w.once(zktest.OpCreate, 1, testworld.Always(zktest.Hold(answer)))
		q := p.queue()
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			_ = p.Close()
		}()
		require.ErrorIs(t, testworld.ErrOf(q.Result()), session.ErrClosed)
		close(answer)
		<-closed
		time.Sleep(time.Minute)
		require.Empty(t, w.nodes())
	})
}

func TestHardCase12_DeleteFailsOnRelease(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		for _, fault := range []zktest.Action{zktest.DropRequest, zktest.LoseReply} {
			h := p.lock()
			w.once(zktest.OpDelete, 2, testworld.Always(fault))
			require.NoError(t, h.Release())
			require.Empty(t, w.nodes())
		}
	})
}

// Neither of two errors hides the other.
func TestHardCase13_TwoErrors(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		h := a.lock()
		refuse := w.once(zktest.OpDelete, 1, testworld.Always(zktest.Fail(zktest.CodeNoAuth)))
		_, err := b.mutex().TryLock(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		require.ErrorIs(t, err, session.ErrNoAuth)
		refuse()
		require.NoError(t, b.Close()) // takes the node that could not be removed along
		require.NoError(t, h.Release())

		w.once(zktest.OpDelete, 1, testworld.Always(zktest.Fail(zktest.CodeNoAuth)))
		err = a.mutex().Do(t.Context(), func(context.Context, *lock.Hold) error { return errWork })
		require.ErrorIs(t, err, errWork)
		require.ErrorIs(t, err, session.ErrNoAuth)
		require.ErrorContains(t, err, dir)
	})
}

// The directory vanishes between its making and the create in it, as a
// container does that has lost its last child.
func TestHardCase67_ContainerReaped(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		info, _ := w.Srv.Node(dir)
		require.True(t, info.Container)
		time.Sleep(3 * time.Minute)
		require.Empty(t, w.Srv.Paths(), "the server has reaped the directory, and the one above it")
		require.NoError(t, p.lock().Release())

		w.once(zktest.OpCreate, 3, func() zktest.Action {
			require.NoError(t, w.Srv.Remove("/locks"))
			require.NoError(t, w.Srv.Put("/locks", nil))
			return zktest.Pass
		})
		h := p.lock()
		require.NoError(t, h.Err())
		require.Len(t, w.nodes(), 1)
	})
}

func TestHardCase68_OldServersWithoutContainers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h := w.process().lock()
		require.NoError(t, h.Release())
	}, zktest.NoContainers())
}
