package core_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// A server that throttles or refuses a request to set watches again has
// reported no changes. Its answer has the newest zxid nevertheless. With that
// zxid in the next hello, the next server would report only later changes.
func TestChangesAreToldAfterWatchesWereRefused(t *testing.T) {
	for name, c := range map[string]struct {
		code    zktest.Code
		watches int
		refuses int // which of the requests to set watches again
	}{
		"the only request is throttled":            {-127, 1, 1},
		"the only request is refused":              {-8, 1, 1},
		"the second is throttled":                  {-127, 40, 2},
		"the third is refused":                     {-8, 40, 3},
		"the first is throttled, behind it others": {-127, 40, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process(func(cfg *core.Config) { cfg.MaxRequest = 1024 })
				s := p.session()
				path := func(i int) string { return fmt.Sprintf("/node-%060d", i) }
				told := make([]core.EventType, c.watches)
				for i := range told {
					require.NoError(w, w.Srv.Put(path(i), nil))
					_, _, _, err := s.GetFunc(w.Context(), path(i), func(e core.EventType) { told[i] = e })
					require.NoError(w, err)
				}
				p.link.Refuse(true)
				p.link.Disconnect()
				time.Sleep(time.Second)
				for i := range told {
					require.NoError(w, w.Srv.Put(path(i), []byte("changed")))
				}
				asked, looked := 0, 0
				w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					switch r.Op {
					case zktest.OpSetWatches:
						if asked++; asked == c.refuses {
							return zktest.Fail(c.code)
						}
					case zktest.OpExists:
						looked++ // a look at the nodes would find the change by itself
						return zktest.DropRequest.Silent()
					}
					return zktest.Pass
				}))
				before := w.Srv.Count(zktest.OpConnect)
				p.link.Refuse(false)
				time.Sleep(3 * time.Second)
				synctest.Wait()
				require.Equal(w, before+2, w.Srv.Count(zktest.OpConnect), "a connection without its watches is given up")
				require.Greater(w, asked, c.refuses)
				require.Zero(w, looked)
				for i, event := range told {
					require.Equal(w, core.NodeDataChanged, event, "watch %d", i)
				}
				require.Equal(w, s.ID(), p.session().ID())
			})
		})
	}
}

// A watch without waiters is removed after a moment. A waiter that comes before
// shares it.
func TestWatchIsTakenBack(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", nil))
		s := w.process().session()
		watch := func() *core.Watch {
			_, _, watch, err := s.GetW(w.Context(), "/a")
			require.NoError(w, err)
			return watch
		}
		_, _, children, err := s.ChildrenW(w.Context(), "/a")
		require.NoError(w, err)
		watch().Stop()
		require.Equal(w, 2, w.Srv.Watches())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(w, 1, w.Srv.Watches(), "the other is waited for")
		require.Equal(w, 1, w.Srv.Count(zktest.OpRemoveWatches))

		watch().Stop()
		kept := watch() // shares it
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(w, 2, w.Srv.Watches())
		require.Equal(w, 1, w.Srv.Count(zktest.OpRemoveWatches))
		require.NoError(w, w.Srv.Put("/a", []byte("new")))
		<-kept.Done()
		require.Zero(w, children.Event())
	})
}

// A waiter that joins while the watch is being removed sets it again
// afterwards.
func TestWatchIsSetAnewWhileItIsTakenBack(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", nil))
		p := w.process()
		s := p.session()
		_, _, first, err := s.GetW(w.Context(), "/a")
		require.NoError(w, err)
		first.Stop()
		p.link.Delay(400 * time.Millisecond)
		time.Sleep(1100 * time.Millisecond) // the request is under way
		_, _, second, err := s.GetW(w.Context(), "/a")
		require.NoError(w, err)
		require.Equal(w, 1, w.Srv.Count(zktest.OpRemoveWatches))
		require.Equal(w, 1, w.Srv.Watches())
		time.Sleep(5 * time.Second)
		require.NoError(w, w.Srv.Put("/a", []byte("new")))
		<-second.Done()
		require.Equal(w, core.NodeDataChanged, second.Event())
	})
}

// A read whose caller gave up, but which the server executes, leaves a watch
// without waiters: it is taken back as well.
func TestWatchOfAReadThatWasGivenUp(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", nil))
		p := w.process()
		s := p.session()
		p.link.Delay(time.Second)
		_, _, _, err := s.GetW(w.Within(500*time.Millisecond), "/a")
		require.Error(w, err)
		w.eventually("the watch is left", func() bool { return w.Srv.Watches() == 1 })
		w.eventually("it is taken back", func() bool { return w.Srv.Watches() == 0 })
	})
}

// A server before ZooKeeper 3.5 cannot remove watches, and is asked once. Its
// watches are not set again on the next connection.
func TestWatchesStayOnOldServers(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", nil))
		require.NoError(w, w.Srv.Put("/b", nil))
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpRemoveWatches {
				return zktest.Fail(zktest.CodeUnimplemented)
			}
			return zktest.Pass
		}))
		p := w.process()
		for _, path := range []string{"/a", "/b", "/a", "/b"} {
			_, _, watch, err := p.session().GetW(w.Context(), path)
			require.NoError(w, err)
			watch.Stop()
			time.Sleep(2 * time.Second)
		}
		require.Equal(w, 1, w.Srv.Count(zktest.OpRemoveWatches))
		require.Equal(w, 2, w.Srv.Watches())
		p.link.Disconnect()
		w.eventually("the session is connected again", func() bool { return p.State() == core.Connected && w.Srv.Watches() == 0 })
		require.Zero(w, w.Srv.Count(zktest.OpSetWatches))
	})
}
