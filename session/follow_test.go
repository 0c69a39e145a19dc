package session_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// followerLog collects what a Follower is told.
type followerLog struct {
	mu  sync.Mutex
	all []session.Followed
}

func (h *followerLog) hear(e session.Followed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, e)
}

// take returns what has been told since the last call, as text.
func (h *followerLog) take() (all []string) {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.all {
		all = append(all, fmt.Sprint(int(e.Event), " ", e.Path))
	}
	h.all = nil
	return all
}

func (h *followerLog) follow(w *world, s *session.Session, path string, recursive bool) *session.Follower {
	w.Helper()
	f, err := s.Follow(w.Context(), path, recursive, h.hear)
	require.NoError(w, err)
	return f
}

const (
	created, deleted, changed, childrenChanged = session.NodeCreated, session.NodeDeleted, session.NodeDataChanged, session.NodeChildrenChanged
	sessionEnded, resumed                      = session.SessionEnded, session.Resumed
)

func event(kind session.EventType, path string) string { return fmt.Sprint(int(kind), " ", path) }

// A tree and a single node are followed through every change, with one watch each however
// many follow, below the Manager's root.
func TestFollow(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process(func(cfg *session.Config) { cfg.Root = "/root" }).session()
		var tree, second, node followerLog
		first := tree.follow(w, s, "/t", true)
		also := second.follow(w, s, "/t", true)
		single := node.follow(w, s, "/t/a", false)
		require.Equal(w, 2, w.srv.Count(zktest.OpAddWatch))

		require.NoError(w, w.srv.Put("/root/t", nil))
		require.NoError(w, w.srv.Put("/root/t/a", nil))
		require.NoError(w, w.srv.Put("/root/t/a/b", []byte("x")))
		require.NoError(w, w.srv.Put("/root/t/a/b", []byte("y")))
		require.NoError(w, w.srv.Put("/root/other", nil))
		want := []string{event(created, "/t"), event(created, "/t/a"), event(created, "/t/a/b"), event(changed, "/t/a/b")}
		require.Equal(w, want, tree.take())
		require.Equal(w, want, second.take())
		require.Equal(w, []string{event(created, "/t/a"), event(childrenChanged, "/t/a")}, node.take())

		first.Stop()
		first.Stop()
		require.NoError(w, w.srv.Remove("/root/t/a/b"))
		require.Empty(w, tree.take())
		require.Equal(w, []string{event(deleted, "/t/a/b")}, second.take())
		require.Equal(w, []string{event(childrenChanged, "/t/a")}, node.take())
		require.Zero(w, w.srv.Count(zktest.OpRemoveWatches))

		also.Stop()
		single.Stop()
		synctest.Wait()
		require.Zero(w, w.srv.Watches())
	})
}

// Nothing that was missed is replayed: whoever follows is told to read again, once for each
// new connection, and follows on.
func TestFollowIsResumed(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		var tree, node followerLog
		tree.follow(w, s, "/", true)
		node.follow(w, s, "/a", false)
		for range 3 {
			p.link.Refuse(true)
			p.link.Disconnect()
			require.NoError(w, w.srv.Put("/a", []byte("missed")))
			p.link.Refuse(false)
			time.Sleep(3 * time.Second)
			require.Equal(w, []string{event(resumed, "")}, tree.take())
			require.Equal(w, []string{event(resumed, "")}, node.take())
			require.NoError(w, w.srv.Put("/a", []byte("seen")))
			require.Equal(w, []string{event(changed, "/a")}, tree.take())
			require.Equal(w, []string{event(changed, "/a")}, node.take())
		}
		require.NoError(w, p.Close())
		require.Equal(w, []string{event(sessionEnded, "")}, tree.take())
		_, err := s.Follow(w.Context(), "/a", false, tree.hear)
		require.ErrorIs(w, err, session.ErrSessionEnded)
		require.Subset(w, []string{event(sessionEnded, "")}, slices.Compact(tree.take()))
	})
}

// A persistent watch and one of one shot at the same path: ZooKeeper keeps one of both. The
// waiter is woken by what the follower hears, and when the follower has gone.
func TestFollowAndWatch(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.srv.Put("/a", nil))
		p := w.process()
		s := p.session()
		var node followerLog
		f := node.follow(w, s, "/a", false)
		for i := range 3 {
			_, _, watch, err := s.GetW(w.Context(), "/a")
			require.NoError(w, err)
			require.NoError(w, w.srv.Put("/a", []byte{byte(i)}))
			<-watch.Done()
			require.Equal(w, changed, watch.Event())
			require.Equal(w, []string{event(changed, "/a")}, node.take(), "it still follows")
		}
		_, _, watch, err := s.GetW(w.Context(), "/a")
		require.NoError(w, err)
		f.Stop()
		<-watch.Done() // it reads again, and sets a watch of its own
		_, _, watch, err = s.GetW(w.Context(), "/a")
		require.NoError(w, err)
		require.NoError(w, w.srv.Put("/a", []byte("last")))
		<-watch.Done()
	})
}

// One of two followers of different kinds goes: the server takes both watches back together,
// and the one that is left is set anew.
func TestFollowersOfBothKinds(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.srv.Put("/a", nil))
		s := w.process().session()
		var tree, node followerLog
		tree.follow(w, s, "/a", true)
		f := node.follow(w, s, "/a", false)
		f.Stop()
		synctest.Wait()
		require.NoError(w, w.srv.Put("/a/b/c", []byte("x")))
		require.Equal(w, []string{event(created, "/a/b"), event(created, "/a/b/c")}, tree.take())
		require.Empty(w, node.take())
	})
}

// A server before ZooKeeper 3.6 knows no persistent watches.
func TestFollowOnOldServers(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Cleanup(w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpAddWatch {
				return zktest.Fail(zktest.CodeUnimplemented)
			}
			return zktest.Pass
		}))
		p := w.process()
		var tree followerLog
		_, err := p.session().Follow(w.Context(), "/", true, tree.hear)
		require.ErrorIs(w, err, session.ErrUnimplemented)
		require.NoError(w, w.srv.Put("/a", nil))
		p.link.Disconnect()
		time.Sleep(3 * time.Second)
		require.Empty(w, tree.take())
		require.Zero(w, w.srv.Count(zktest.OpSetWatches2))
	})
}
