package onenode_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/onenode"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const path = "/masters/current"

func node(p *testworld.Process, data string) *onenode.Node {
	return onenode.New(onenode.Config{Manager: p.Core(), Path: path, Data: []byte(data)})
}

func acquire(p *testworld.Process, data string) *testworld.Call[*core.Hold] {
	return testworld.Go(p.W, node(p, data).Acquire)
}

func on(op zktest.Op) func(zktest.Request) bool {
	return func(r zktest.Request) bool { return r.Op == op && r.Path == path }
}

func does(a zktest.Action) func() zktest.Action { return func() zktest.Action { return a } }

func TestOneHolderAtATime(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		_, found, err := node(p, "").Current(w.Context())
		require.NoError(t, err)
		require.False(t, found)

		a := acquire(p, "a").Get()
		same, other := acquire(p, "same"), acquire(w.Process(), "other")
		require.True(t, same.Waiting())
		require.True(t, other.Waiting())
		_, err = node(p, "x").Try(w.Context())
		require.ErrorIs(t, err, waitqueue.ErrTaken)
		_, err = node(w.Process(), "x").Try(w.Context())
		require.ErrorIs(t, err, waitqueue.ErrTaken)
		c, found, err := node(p, "").Current(w.Context())
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, "a", string(c.Data))
		require.Equal(t, a.Token(), c.Stat.Czxid)

		require.NoError(t, a.Release())
		w.Eventually(func() bool { return !same.Waiting() || !other.Waiting() }, "one contender follows")
		second, third := same, other
		if same.Waiting() {
			second, third = other, same
		}
		b := second.Get()
		require.Greater(t, b.Token(), a.Token())
		require.True(t, third.Waiting())
		require.NoError(t, b.Release())
		a = third.Get()
		require.Greater(t, a.Token(), b.Token())
		require.NoError(t, a.Release())
		synctest.Wait()
		_, there := w.Srv.Node(path)
		require.False(t, there)
	})
}

func TestCost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(t, acquire(p, "a").Get().Release())
		require.Equal(t, map[string]int{"create": 1, "getData": 1, "sync": 1, "exists": 1, "delete": 1}, w.Count(func() {
			require.NoError(t, acquire(p, "a").Get().Release())
		}))
	})
}

// The create is done and its answer lost. The node is found to be ours, and
// only one of two contenders of the session holds.
func TestReplyLost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/masters/keep", "")
		w.Once(on(zktest.OpCreate), does(zktest.LoseReply))
		a, b := acquire(p, "a"), acquire(p, "b")
		w.Eventually(func() bool { return !a.Waiting() || !b.Waiting() }, "one of them holds")
		time.Sleep(time.Minute)
		require.NotEqual(t, a.Waiting(), b.Waiting(), "one of them alone")
		first, second := a, b
		if a.Waiting() {
			first, second = b, a
		}
		h := first.Get()
		require.NoError(t, h.Release())
		require.Greater(t, second.Get().Token(), h.Token())
	})
}

// The create never arrives, and another session's node exists by the time that
// is known. It is not taken for our own.
func TestRequestLost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, other := w.Process(), w.Process()
		w.Put("/masters/keep", "")
		w.Once(on(zktest.OpCreate), func() zktest.Action {
			p.Link.Refuse(true)
			return zktest.DropRequest
		})
		a := acquire(p, "a")
		h := acquire(other, "theirs").Get()
		p.Link.Refuse(false)
		time.Sleep(time.Minute)
		require.True(t, a.Waiting())
		require.NoError(t, h.Release())
		require.Greater(t, a.Get().Token(), h.Token())
	})
}

// The ctx ends while the create is under way. Only the node of that create is
// removed: here another contender's node exists by the time the create is
// refused.
func TestGivenUpWhileCreating(t *testing.T) {
	for _, theirs := range []bool{false, true} {
		testworld.Run(t, func(w *testworld.World) {
			p, other := w.Process(), w.Process()
			w.Put("/masters/keep", "")
			answer := make(chan struct{})
			w.Once(on(zktest.OpCreate), does(zktest.Hold(answer)))
			a := acquire(p, "a")
			next := acquire(p, "next") // of the same session: it must not lose its node to a's sweep
			var h *core.Hold
			if theirs {
				h = acquire(other, "theirs").Get()
			}
			_, err := a.GiveUp()
			require.ErrorIs(t, err, context.Canceled)
			close(answer)
			if theirs {
				time.Sleep(time.Minute)
				require.NoError(t, h.Err())
				require.True(t, next.Waiting())
				require.NoError(t, h.Release())
			}
			held := next.Get()
			time.Sleep(time.Minute)
			require.NoError(t, held.Err())
			require.Equal(t, "next", w.Data(path))
		})
	}
}

// The delete of a release is done and its answer lost. Before the release
// continues, another contender makes the node. That node stays, whether the
// contender is of another session or of ours.
func TestReleaseRepeated(t *testing.T) {
	for _, same := range []bool{false, true} {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			a := acquire(p, "a").Get()
			q := p
			if !same {
				q = w.Process()
			}
			b := acquire(q, "b")
			w.Once(on(zktest.OpDelete), func() zktest.Action {
				p.Link.Refuse(true)
				return zktest.LoseReply
			})
			released := testworld.Go(w, func(context.Context) (struct{}, error) { return struct{}{}, a.Release() })
			time.Sleep(time.Second)
			p.Link.Refuse(false)
			released.Get()
			h := b.Get()
			time.Sleep(time.Minute)
			require.NoError(t, h.Err())
			require.Equal(t, "b", w.Data(path))
		})
	}
}

// A node that is not ephemeral is not a hold to wait for.
func TestPersistentNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put(path, "")
		_, err := node(p, "a").Acquire(w.Context())
		require.ErrorIs(t, err, core.ErrNotEphemeral)
		_, err = node(p, "a").Try(w.Context())
		require.ErrorIs(t, err, core.ErrNotEphemeral)
		_, found, err := node(p, "a").Current(w.Context())
		require.ErrorIs(t, err, core.ErrNotEphemeral)
		require.False(t, found)
	})
}

// After an expiry the old node may still exist. It is not a hold.
func TestExpired(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		a := acquire(p, "a").Get()
		p.Link.Cut(zktest.ToServer)
		<-a.Done()
		p.Link.Disconnect()
		p.Link.Heal()
		b := acquire(p, "b")
		require.True(t, b.Waiting())
		_, there := w.Srv.Node(path)
		require.True(t, there)
		require.Greater(t, b.Get().Token(), a.Token())
	})
}

func TestDeletedByAStranger(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		a := acquire(p, "a").Get()
		b := acquire(p, "b")
		w.Remove(path)
		<-a.Done()
		require.ErrorIs(t, a.Err(), session.ErrDeleted)
		h := b.Get()
		require.ErrorIs(t, a.Release(), session.ErrLost)
		time.Sleep(time.Minute)
		require.NoError(t, h.Err())
	})
}

func TestRefused(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/masters/keep", "")
		remove := w.Fail(zktest.OpCreate, path, zktest.CodeNoAuth)
		_, err := node(p, "a").Acquire(w.Context())
		require.ErrorIs(t, err, session.ErrNoAuth)
		_, err = node(p, "a").Acquire(testworld.Cancelled())
		require.ErrorIs(t, err, context.Canceled)
		remove()
		_, err = onenode.New(onenode.Config{Manager: p.Core(), Path: "x"}).Acquire(w.Context())
		require.ErrorContains(t, err, "relative")
		require.NoError(t, p.Close())
		_, err = node(p, "a").Acquire(w.Context())
		require.ErrorIs(t, err, session.ErrClosed)
	})
}
