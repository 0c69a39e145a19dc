package standing_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestOpen(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(w, p.EnsureDir(w.Context(), "/services"))
		var k *kept
		require.Equal(w, map[string]int{"create": 1, "getData": 1}, without(w.Count(func() { k = open(p) }), "sync"))
		s := k.State()
		require.True(w, s.Standing())
		require.Same(w, p.Current(), s.Session)
		require.Equal(w, path, s.Path)
		info, _ := w.Srv.Node(path)
		require.Equal(w, info.Stat.Czxid, s.Czxid)
		require.Equal(w, p.Current().ID(), info.Stat.EphemeralOwner)
		require.Equal(w, "v1", w.Data(path))
		require.NoError(w, k.Err())

		require.NoError(w, k.Set(w.Context(), []byte("v2")))
		require.Equal(w, "v2", w.Data(path))
		require.NoError(w, k.Set(w.Context(), nil))
		require.Empty(w, w.Data(path), "the empty data is written")
		require.Same(w, s, k.State(), "new data makes no new state")

		require.Equal(w, map[string]int{"exists": 1, "delete": 1}, without(w.Count(func() {
			require.NoError(w, k.Close(w.Context()))
		}), "sync"))
		require.False(w, exists(w, path))
		<-k.Done()
		require.ErrorIs(w, k.Err(), session.ErrReleased)
		require.ErrorIs(w, k.State().Err, session.ErrReleased)
		require.NoError(w, k.Close(w.Context()), "again")
		require.ErrorIs(w, k.Set(w.Context(), nil), session.ErrReleased)
		require.Equal(w, []string{"stands", session.ErrReleased.Error()}, k.take())
	})
}

// without leaves out a kind of request that the session sends on its own.
func without(counts map[string]int, kind string) map[string]int {
	delete(counts, kind)
	return counts
}

// A Set costs a sync, a read of the node's owner, a write, and a read that sets
// the watch again.
func TestCostOfSet(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		k := open(w.Process())
		counts := w.Count(func() {
			for range 10 {
				require.NoError(w, k.Set(w.Context(), []byte(time.Now().String())))
				time.Sleep(time.Second)
			}
		})
		require.Equal(w, map[string]int{"exists": 10, "setData": 10, "getData": 10}, without(counts, "sync"))
	})
}

func TestOpenRefuses(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for _, bad := range []string{"", "a", "/", "/a/", "/zookeeper/a", "/a//b"} {
			_, err := tryOpen(w.Context(), p, func(cfg *standing.Config) { cfg.Path = bad })
			require.ErrorContains(w, err, "invalid path", bad)
		}
		_, err := tryOpen(w.Context(), p, policy(7))
		require.ErrorContains(w, err, "conflict policy 7")
		_, err = tryOpen(w.Context(), p, data(strings.Repeat("x", session.DefaultMaxRequest)))
		require.ErrorIs(w, err, session.ErrTooLarge)
		require.Empty(w, w.Srv.Paths())

		k := open(p)
		require.ErrorIs(w, k.Set(w.Context(), make([]byte, session.DefaultMaxRequest)), session.ErrTooLarge)
		require.Equal(w, "v1", w.Data(path))
		k.expire()
		require.Equal(w, "v1", w.Data(path), "the rejected data is forgotten")
	})
}

// The parents of the node are made. A parent that cannot have children is an
// error.
func TestParents(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		k := open(p, func(cfg *standing.Config) { cfg.Path = "/deep/down/here" })
		require.True(w, exists(w, "/deep/down/here"))
		_, err := tryOpen(w.Context(), p, func(cfg *standing.Config) { cfg.Path = "/deep/down/here/below" })
		require.ErrorIs(w, err, session.ErrNoChildrenForEphemerals)
		w.Remove("/deep")
		synctest.Wait()
		k.stands()
		require.True(w, exists(w, "/deep/down/here"))
	})
}

// One process opens a path once: its second node could not be told from the
// lost create of the first.
func TestTwiceInOneProcess(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		k := open(p)
		_, err := tryOpen(w.Context(), p)
		require.ErrorIs(w, err, session.ErrIDTaken)
		_, err = tryOpen(w.Context(), p, policy(standing.Replace))
		require.ErrorIs(w, err, session.ErrIDTaken)
		require.Zero(w, deletions(w, path))

		// Close and Open again, while the removal is under way.
		w.Once(is(zktest.OpDelete), func() zktest.Action { return zktest.Delay(time.Second) })
		require.Error(w, k.Close(testworld.Cancelled()))
		require.True(w, exists(w, path))
		_, err = tryOpen(w.Within(time.Millisecond), p)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorContains(w, err, "waiting until this process has removed its earlier znode")
		k = open(p, data("v2"))
		require.Equal(w, "v2", w.Data(path))
		require.NoError(w, k.Close(w.Context()))
	})
}

func TestOpenGivesUpWithItsContext(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		_, err := tryOpen(testworld.Cancelled(), p)
		require.ErrorIs(w, err, context.Canceled)
		require.False(w, exists(w, path))

		p.Link.Cut(zktest.Both)
		ctx, cancel := context.WithTimeoutCause(w.Context(), time.Second, errors.New("too slow"))
		defer cancel()
		_, err = tryOpen(ctx, p)
		require.ErrorContains(w, err, "too slow")
		time.Sleep(time.Minute)
		_, err = tryOpen(w.Within(time.Second), p)
		require.ErrorIs(w, err, session.ErrUnreachable)
		p.Link.Heal()
		time.Sleep(time.Minute)
		require.False(w, exists(w, path))
		open(p)
	})
}

// A create that is under way when Open gives up leaves no node.
func TestHardCase11_GivenUpDuringCreate(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(w, p.EnsureDir(w.Context(), "/services"))
		held := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if is(zktest.OpCreate)(r) {
				return zktest.Delay(3 * time.Second)
			}
			return zktest.Pass
		})
		_, err := tryOpen(w.Within(time.Second), p)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		time.Sleep(time.Minute)
		require.Equal(w, 1, deletions(w, path), "the node was made and removed")
		require.False(w, exists(w, path))
		held()
		require.NoError(w, open(p).Close(w.Context()))
	})
}

func TestManagerClosed(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		k := open(p)
		p.Link.Cut(zktest.Both)
		set := testworld.Go(w, func(ctx context.Context) (struct{}, error) { return struct{}{}, k.Set(ctx, []byte("v2")) })
		require.True(w, set.Waiting())
		require.NoError(w, p.Close())
		_, err := set.Result()
		require.ErrorIs(w, err, session.ErrClosed)
		<-k.Done()
		require.ErrorIs(w, k.Err(), session.ErrClosed)
		require.ErrorIs(w, k.State().Err, session.ErrClosed)
		require.NoError(w, k.Close(w.Context()))
		require.ErrorIs(w, k.Set(w.Context(), nil), session.ErrClosed)
		_, err = tryOpen(w.Context(), p)
		require.ErrorIs(w, err, session.ErrClosed)
		p.Link.Heal()
		time.Sleep(time.Minute)
		require.False(w, exists(w, path))
	})
}

// State does not wait for the keeper: once the session has ended, the node does
// not stand.
func TestStateIsTruthful(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		k := open(p)
		s := p.Current()
		p.Link.Cut(zktest.Both)
		time.Sleep(time.Until(s.TrustedUntil()) - time.Nanosecond)
		require.True(w, k.State().Standing(), "the session can be trusted")
		<-s.Done()
		require.False(w, k.State().Standing())
		require.ErrorIs(w, k.State().Err, session.ErrTrustElapsed)
		require.True(w, exists(w, path), "the server has not expired the session yet")
		p.Link.Heal()
	})
}
