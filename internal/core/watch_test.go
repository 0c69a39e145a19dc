package core_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// Ten thousand waiters for one node cost the server one watch, and one event
// wakes all of them.
func TestWatchIsShared(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", nil))
		p := w.process()
		var watches []*core.Watch
		for range 10_000 {
			_, _, watch, err := p.session().GetW(w.Context(), "/a")
			require.NoError(w, err)
			watches = append(watches, watch)
		}
		require.Equal(w, 1, w.Srv.Watches())
		watched := 0
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Watch {
				watched++
			}
			return zktest.Pass
		}))
		require.NoError(w, w.Srv.Put("/a", []byte("x")))
		for _, watch := range watches {
			<-watch.Done()
			require.Equal(w, core.NodeDataChanged, watch.Event())
		}
		require.Zero(w, w.Srv.Watches())
		require.Zero(w, watched)
	})
}

// A stopped waiter leaves only the watch on the server, which serves the next
// waiter.
func TestWatchStopped(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", nil))
		p := w.process()
		for range 100 {
			_, _, watch, err := p.session().GetW(w.Context(), "/a")
			require.NoError(w, err)
			watch.Stop()
			watch.Stop()
		}
		require.Equal(w, 1, w.Srv.Watches())
		_, _, last, err := p.session().GetW(w.Context(), "/a")
		require.NoError(w, err)
		_, _, stopped, err := p.session().GetW(w.Context(), "/a")
		require.NoError(w, err)
		stopped.Stop()
		require.NoError(w, w.Srv.Remove("/a"))
		<-last.Done()
		require.Equal(w, core.NodeDeleted, last.Event())
		require.Zero(w, stopped.Event(), "it never fires")
	})
}

// A waiter that shares a watch misses no change, whenever the change happens:
// before its read, between the read and its answer, after it.
func TestWatchJoinerMissesNothing(t *testing.T) {
	for _, delay := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond} {
		inWorld(t, func(w *world) {
			require.NoError(w, w.Srv.Put("/a", []byte("old")))
			p := w.process()
			_, _, first, err := p.session().GetW(w.Context(), "/a")
			require.NoError(w, err)
			time.AfterFunc(delay, func() {
				if err := w.Srv.Put("/a", []byte("new")); err != nil {
					w.Errorf("put: %v", err)
				}
			})
			// The read takes a second to arrive, and its answer a second to
			// come back.
			p.link.Delay(time.Second)
			data, _, joined, err := p.session().GetW(w.Context(), "/a")
			require.NoError(w, err)
			<-first.Done()
			if string(data) == "old" {
				<-joined.Done()
			}
			// One that read the new value may or may not have been woken by the
			// event of the change; it must be woken by the next.
			for string(data) != "new" || joined.Event() != 0 {
				data, _, joined, err = p.session().GetW(w.Context(), "/a")
				require.NoError(w, err)
			}
			require.NoError(w, w.Srv.Put("/a", []byte("newer")))
			<-joined.Done()
		})
	}
}

// Cases 42 and 64: a change during a disconnection is noticed after the
// reconnection, for every kind of watch, however many watches there are.
func TestHardCase42_64_ChangedDuringDisconnection(t *testing.T) {
	for name, auth := range map[string]func(*core.Config){
		"open": func(*core.Config) {},
		"with credentials": func(cfg *core.Config) {
			cfg.Auth = []core.Credential{core.Digest("a", "b"), core.Digest("c", "d")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				const n = 700 // with such names more than one request can set again
				for i := range n {
					require.NoError(w, w.Srv.Put(fmt.Sprintf("/there/%0250d", i), nil))
				}
				p := w.process(auth)
				s := p.session()
				type armed struct {
					path  string
					watch *core.Watch
				}
				var all []armed
				for i := range n {
					path := fmt.Sprintf("/there/%0250d", i)
					_, _, watch, err := s.GetW(w.Context(), path)
					require.NoError(w, err)
					all = append(all, armed{path, watch})
				}
				_, _, children, err := s.ChildrenW(w.Context(), "/there")
				require.NoError(w, err)
				_, found, creation, err := s.ExistsW(w.Context(), "/missing")
				require.NoError(w, err)
				require.False(w, found)

				p.link.Refuse(true)
				p.link.Disconnect()
				time.Sleep(time.Second)
				for i, a := range all {
					switch i % 3 {
					case 0:
						require.NoError(w, w.Srv.Put(a.path, []byte("changed")))
					case 1:
						require.NoError(w, w.Srv.Remove(a.path))
					}
				}
				require.NoError(w, w.Srv.Put("/missing", nil))
				p.link.Refuse(false)
				<-children.Done()
				<-creation.Done()
				for i, a := range all {
					switch i % 3 {
					case 0:
						<-a.watch.Done()
						require.Equal(w, core.NodeDataChanged, a.watch.Event())
					case 1:
						<-a.watch.Done()
						require.Equal(w, core.NodeDeleted, a.watch.Event())
					case 2:
						require.Zero(w, a.watch.Event(), "it has not changed")
						require.NoError(w, w.Srv.Remove(a.path))
						<-a.watch.Done()
					}
				}
				require.Equal(w, s.ID(), p.session().ID(), "all in one session")
			})
		})
	}
}

// Many connections in a row, with queued requests and armed watches all the
// time: no change is missed, and the race detector reports nothing.
func TestWatchesThroughManyReconnections(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", nil))
		p := w.process()
		s := p.session()
		for round := range testworld.Sized(50, 200) {
			_, _, watch, err := s.GetW(w.Context(), "/a")
			require.NoError(w, err)
			for i := range 20 {
				go func() {
					// The node is missing: the read leaves a watch for its
					// creation.
					_, _, _, _ = s.ExistsW(w.Context(), fmt.Sprintf("/none-%d-%d", round, i))
				}()
			}
			p.link.Disconnect()
			require.NoError(w, w.Srv.Put("/a", []byte{byte(round)}))
			<-watch.Done()
		}
		synctest.Wait()
	})
}

func TestWatchEndsWithSession(t *testing.T) {
	for name, end := range map[string]func(w *world, p *process){
		"expired": func(w *world, p *process) { w.Srv.Expire(p.session().ID()) },
		"cut off": func(_ *world, p *process) { p.link.Cut(zktest.Both) },
		"closed":  func(w *world, p *process) { require.NoError(w, p.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/a", nil))
				p := w.process()
				s := p.session()
				_, _, watch, err := s.GetW(w.Context(), "/a")
				require.NoError(w, err)
				end(w, p)
				<-watch.Done()
				require.Equal(w, core.SessionEnded, watch.Event())
				_, _, _, err = s.GetW(w.Context(), "/a")
				require.ErrorIs(w, err, core.ErrSessionEnded)
				p.link.Heal()
			})
		})
	}
}

func TestWatchKinds(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process(func(cfg *core.Config) { cfg.Root = "/root" })
		s := p.session()
		ctx := w.Context()
		_, found, creation, err := s.ExistsW(ctx, "/a")
		require.NoError(w, err)
		require.False(w, found)
		require.NoError(w, w.Srv.Put("/root/a", nil))
		<-creation.Done()
		require.Equal(w, core.NodeCreated, creation.Event())

		_, found, there, err := s.ExistsW(ctx, "/a")
		require.NoError(w, err)
		require.True(w, found)
		_, _, children, err := s.ChildrenW(ctx, "/a")
		require.NoError(w, err)
		require.NoError(w, w.Srv.Put("/root/a/b", nil))
		<-children.Done()
		require.Equal(w, core.NodeChildrenChanged, children.Event())
		require.Zero(w, there.Event())

		_, _, children, err = s.ChildrenW(ctx, "/a")
		require.NoError(w, err)
		require.NoError(w, w.Srv.Remove("/root/a"))
		<-there.Done()
		<-children.Done()
		require.Equal(w, core.NodeDeleted, there.Event())
		synctest.Wait()
		require.Zero(w, w.Srv.Watches())

		_, _, none, err := s.GetW(ctx, "/a")
		require.Error(w, err)
		require.Nil(w, none)
		require.Zero(w, w.Srv.Watches(), "a failed read leaves none")
	})
}
