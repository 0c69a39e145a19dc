package core_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// told collects the events of a follower.
type told struct {
	mu   sync.Mutex
	list []core.Followed
}

func (l *told) f(e core.Followed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, e)
}

// take returns what was told since the last call.
func (l *told) take() []core.Followed {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.list
	l.list = nil
	return list
}

func (l *told) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.list)
}

func (w *world) follow(s *core.Session, path string, recursive bool) (*core.Follower, *told) {
	w.Helper()
	l := new(told)
	f, err := s.Follow(w.Context(), path, recursive, l.f)
	require.NoError(w, err)
	return f, l
}

// life creates, changes and deletes a small tree, and waits after each step.
func (w *world) life(path string) {
	for _, step := range []func() error{
		func() error { return w.Srv.Put(path, nil) },
		func() error { return w.Srv.Put(path, []byte("x")) },
		func() error { return w.Srv.Put(path+"/b", nil) },
		func() error { return w.Srv.Put(path+"/b", []byte("x")) },
		func() error { return w.Srv.Put(path+"/b/c", nil) },
		func() error { return w.Srv.Remove(path + "/b") },
		func() error { return w.Srv.Remove(path) },
	} {
		require.NoError(w, step())
		synctest.Wait()
	}
}

var (
	lifeOfNode = []core.Followed{
		{Event: core.NodeCreated, Path: "/a"},
		{Event: core.NodeDataChanged, Path: "/a"},
		{Event: core.NodeChildrenChanged, Path: "/a"},
		{Event: core.NodeChildrenChanged, Path: "/a"},
		{Event: core.NodeDeleted, Path: "/a"},
	}
	lifeOfTree = []core.Followed{
		{Event: core.NodeCreated, Path: "/a"},
		{Event: core.NodeDataChanged, Path: "/a"},
		{Event: core.NodeCreated, Path: "/a/b"},
		{Event: core.NodeDataChanged, Path: "/a/b"},
		{Event: core.NodeCreated, Path: "/a/b/c"},
		{Event: core.NodeDeleted, Path: "/a/b/c"},
		{Event: core.NodeDeleted, Path: "/a/b"},
		{Event: core.NodeDeleted, Path: "/a"},
	}
)

func inRoot(cfg *core.Config) { cfg.Root = "/root" }

// A follower gets every change in order, also of a node that does not exist
// yet.
func TestFollowTellsEachChange(t *testing.T) {
	for name, recursive := range map[string]bool{"node": false, "tree": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				want := lifeOfNode
				if recursive {
					want = lifeOfTree
				}
				s := w.process(inRoot).session()
				_, l := w.follow(s, "/a", recursive)
				w.life("/root/a")
				require.Equal(w, want, l.take())
				w.life("/root/a")
				require.Equal(w, want, l.take(), "the watch stays")
			})
		})
	}
}

// A follower of a node gets the same events whether or not its tree is followed
// too: a server keeps one of the two watches only.
func TestFollowNodeAndItsTree(t *testing.T) {
	for name, order := range map[string][]bool{"node first": {false, true}, "tree first": {true, false}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process(inRoot)
				s := p.session()
				var followers []*core.Follower
				var lists []*told
				for _, recursive := range order {
					f, l := w.follow(s, "/a", recursive)
					followers, lists = append(followers, f), append(lists, l)
				}
				check := func() {
					for i, recursive := range order {
						want := lifeOfNode
						if recursive {
							want = lifeOfTree
						}
						require.Equal(w, want, lists[i].take(), "recursive: %v", recursive)
					}
				}
				w.life("/root/a")
				check()
				p.link.Disconnect()
				w.eventually("both are told of the connection", func() bool {
					return lists[0].len() == 1 && lists[1].len() == 1
				})
				for _, l := range lists {
					require.Equal(w, []core.Followed{{Event: core.Resumed}}, l.take())
				}
				w.life("/root/a")
				check()
				followers[1].Stop()
				synctest.Wait()
				w.life("/root/a")
				want := lifeOfNode
				if order[0] {
					want = lifeOfTree
				}
				require.Equal(w, want, lists[0].take(), "the other was stopped")
				require.Empty(w, lists[1].take())
				followers[0].Stop()
				w.eventually("no watch is left", func() bool { return w.Srv.Watches() == 0 })
			})
		})
	}
}

// A follower has got the event of a change before a read that shows the change
// returns.
func TestFollowTellsBeforeTheRead(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a/b", []byte("0")))
		p := w.process()
		p.link.Jitter(5*time.Millisecond, 7)
		p.link.Disconnect() // the next connection has the jitter
		s := p.session()
		_, l := w.follow(s, "/a", true)
		go func() {
			for i := byte('1'); i <= '9'; i++ {
				time.Sleep(3 * time.Millisecond)
				if err := w.Srv.Put("/a/b", []byte{i}); err != nil {
					w.Error(err)
				}
			}
		}()
		for seen := byte('0'); seen < '9'; {
			data, _, err := s.Get(w.Context(), "/a/b")
			require.NoError(w, err)
			require.GreaterOrEqual(w, l.len(), int(data[0]-'0'))
			seen = data[0]
		}
	})
}

// Followers of one node share a watch. The last Stop removes it.
func TestFollowersShare(t *testing.T) {
	for name, recursive := range map[string]bool{"node": false, "tree": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				s := w.process().session()
				var followers []*core.Follower
				var lists []*told
				for range 10 {
					f, l := w.follow(s, "/a", recursive)
					followers, lists = append(followers, f), append(lists, l)
				}
				require.Equal(w, 1, w.Srv.Count(zktest.OpAddWatch))
				for i, f := range followers[:9] {
					lists[i].take()
					f.Stop()
					f.Stop()
					require.NoError(w, w.Srv.Put("/a", []byte{byte(i)}))
					synctest.Wait()
					require.Empty(w, lists[i].take(), "it was stopped")
					require.Len(w, lists[9].take(), 1)
				}
				require.Zero(w, w.Srv.Count(zktest.OpRemoveWatches))
				followers[9].Stop()
				w.eventually("no watch is left", func() bool { return w.Srv.Watches() == 0 })
				require.NoError(w, w.Srv.Put("/a", nil))
				synctest.Wait()
				require.Empty(w, lists[9].take())
			})
		})
	}
}

// A follower that follows again at once misses no event, and leaves no watch.
func TestFollowAgainRightAfterStop(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		p.link.Jitter(5*time.Millisecond, 3)
		p.link.Disconnect() // the next connection has the jitter
		s := p.session()
		f, _ := w.follow(s, "/a", true)
		for i := range 100 {
			f.Stop()
			var l *told
			f, l = w.follow(s, "/a", i%2 == 0)
			require.NoError(w, w.Srv.Put("/a", []byte{byte(i)}))
			w.eventually("it hears of the change", func() bool { return len(l.take()) > 0 })
		}
		f.Stop()
		w.eventually("no watch is left", func() bool { return w.Srv.Watches() == 0 })
	})
}

// If the request of a follower is given up, the other followers do not take it
// for answered, and no watch is left.
func TestFollowGivenUp(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		answer := make(chan struct{})
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpAddWatch {
				return zktest.Hold(answer)
			}
			return zktest.Pass
		})
		l := new(told)
		_, err := s.Follow(w.Within(time.Second), "/a", true, l.f)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		again := make(chan error, 1)
		var f *core.Follower
		go func() {
			var err error
			f, err = s.Follow(w.Context(), "/a", true, l.f)
			again <- err
		}()
		synctest.Wait()
		require.Empty(w, again)
		close(answer)
		remove()
		require.NoError(w, <-again)
		require.NoError(w, w.Srv.Put("/a", nil))
		w.eventually("it hears of the change", func() bool { return len(l.take()) == 1 })
		f.Stop()
		w.eventually("no watch is left", func() bool { return w.Srv.Watches() == 0 })

		ended, cancel := context.WithCancel(w.Context())
		cancel()
		_, standing := w.follow(s, "/a", true)
		_, err = s.Follow(ended, "/a", true, l.f)
		require.ErrorIs(w, err, context.Canceled)
		require.NoError(w, w.Srv.Put("/a", []byte("x")))
		w.eventually("the other hears of it", func() bool { return len(standing.take()) == 1 })
		require.Empty(w, l.take())
	})
}

// A follower gets the end of the session once, as the last event.
func TestFollowEndsWithSession(t *testing.T) {
	for name, end := range map[string]func(w *world, p *process){
		"expired": func(w *world, p *process) { w.Srv.Expire(p.session().ID()) },
		"cut off": func(_ *world, p *process) { p.link.Cut(zktest.Both) },
		"closed":  func(w *world, p *process) { require.NoError(w, p.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process()
				s := p.session()
				f, l := w.follow(s, "/a", true)
				_, other := w.follow(s, "/b", false)
				end(w, p)
				<-s.Done()
				p.link.Heal()
				last := []core.Followed{{Event: core.SessionEnded}}
				w.eventually("both are told", func() bool { return l.len() == 1 && other.len() == 1 })
				require.Equal(w, last, l.take())
				require.Equal(w, last, other.take())
				f.Stop()
				_, err := s.Follow(w.Context(), "/a", true, l.f)
				require.ErrorIs(w, err, core.ErrSessionEnded)
				require.Empty(w, l.take())
			})
		})
	}
}

func TestFollowRefuses(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process(func(cfg *core.Config) { cfg.MaxRequest = 1024 }).session()
		_, err := s.Follow(w.Context(), "a", true, func(core.Followed) {})
		require.ErrorContains(w, err, "watch a")
		long := make([]byte, 1024)
		for i := range long {
			long[i] = 'x'
		}
		_, err = s.Follow(w.Context(), "/"+string(long), true, func(core.Followed) {})
		require.ErrorIs(w, err, core.ErrTooLarge)
		require.Zero(w, w.Srv.Count(zktest.OpAddWatch))
	})
}

// A server before 3.6 closes the connection on the request. It is asked once.
// Other outstanding requests and existing watches continue.
func TestFollowOnOldServer(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", nil))
		p := w.process()
		s := p.session()
		_, _, data, err := s.GetW(w.Context(), "/a")
		require.NoError(w, err)
		_, _, other, err := s.ChildrenW(w.Context(), "/a")
		require.NoError(w, err)
		l := new(told)
		for range 3 {
			_, err = s.Follow(w.Context(), "/a", true, l.f)
			require.ErrorIs(w, err, core.ErrUnimplemented)
			require.ErrorContains(w, err, "Follow needs ZooKeeper 3.6 or later")
		}
		require.Equal(w, 1, w.Srv.Count(zktest.OpAddWatch))
		<-data.Done()
		<-other.Done() // they may fire without need
		_, _, data, err = s.GetW(w.Context(), "/a")
		require.NoError(w, err)
		_, _, other, err = s.ChildrenW(w.Context(), "/a")
		require.NoError(w, err)
		require.NoError(w, w.Srv.Put("/a", []byte("x")))
		require.NoError(w, w.Srv.Put("/a/b", nil))
		<-data.Done()
		<-other.Done()
		require.Empty(w, l.take())
		require.NoError(w, s.Err())
		require.Zero(w, w.Srv.Count(zktest.OpRemoveWatches)+w.Srv.Count(zktest.OpSetWatches2))
		require.Zero(w, w.Srv.Watches())
	}, zktest.Version(zktest.V35))
}
