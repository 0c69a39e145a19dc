package core_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// settleTime is how long a session may take, in virtual time, to remove watches
// without waiters.
const settleTime = time.Minute

// watchCalls are the reads that set watches.
var watchCalls = map[string]func(w *world, s *core.Session, path string) *core.Watch{
	"get": func(w *world, s *core.Session, path string) *core.Watch {
		w.Helper()
		_, _, watch, err := s.GetW(w.Context(), path)
		require.NoError(w, err)
		return watch
	},
	"exists": func(w *world, s *core.Session, path string) *core.Watch {
		w.Helper()
		_, _, watch, err := s.ExistsW(w.Context(), path)
		require.NoError(w, err)
		return watch
	},
	"children": func(w *world, s *core.Session, path string) *core.Watch {
		w.Helper()
		_, _, watch, err := s.ChildrenW(w.Context(), path)
		require.NoError(w, err)
		return watch
	},
}

// Stopped watches are removed from the server, whichever read has set them. A
// reconnection does not set them again.
func TestFault14_StoppedWatchesLeaveTheServer(t *testing.T) { stopWatches(t, 2000) }

// The same for as many watches as a long-lived process can stop.
func TestFault14_ManyStoppedWatchesLeaveTheServer(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("takes long with -race, and is left out with -short")
	}
	stopWatches(t, 100_000)
}

func stopWatches(t *testing.T, n int) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		kinds := []string{"get", "children", "exists", "missing"}
		watches := make([]*core.Watch, n)
		for i := range watches {
			kind := kinds[i%len(kinds)]
			path := fmt.Sprintf("/elections/%s-%06d", kind, i)
			if kind == "missing" {
				kind = "exists"
			} else {
				require.NoError(w, w.Srv.Put(path, nil))
			}
			watches[i] = watchCalls[kind](w, s, path)
		}
		require.Equal(w, n, w.Srv.Watches())
		for _, watch := range watches {
			watch.Stop()
		}
		time.Sleep(settleTime)
		require.Zero(w, w.Srv.Watches(), "of %d watches that nobody waits for", n)
		require.LessOrEqual(w, w.Srv.Count(zktest.OpRemoveWatches), n)

		p.link.Disconnect()
		require.NoError(w, s.Sync(w.Context(), "/"))
		time.Sleep(settleTime)
		require.Zero(w, w.Srv.Watches(), "after a reconnection")
		for i, watch := range watches {
			require.Zero(w, watch.Event(), "watch %d", i)
		}
		require.NoError(w, s.Err())
	})
}

// Watches that are stopped while the session is cut off are not set again. A
// watch with a waiter is set again.
func TestFault14_StoppedWhileCutOff(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		var watches []*core.Watch
		for i := range 100 {
			path := fmt.Sprintf("/d/%03d", i)
			require.NoError(w, w.Srv.Put(path, nil))
			watches = append(watches, watchCalls["get"](w, s, path))
		}
		p.link.Refuse(true)
		p.link.Disconnect()
		w.eventually("suspended", func() bool { return p.State() == core.Suspended })
		for _, watch := range watches[1:] {
			watch.Stop()
		}
		p.link.Refuse(false)
		require.NoError(w, s.Sync(w.Context(), "/"))
		time.Sleep(settleTime)
		require.Equal(w, 1, w.Srv.Watches())
		require.NoError(w, w.Srv.Put("/d/000", []byte("new")))
		<-watches[0].Done()
		require.Equal(w, core.NodeDataChanged, watches[0].Event())
	})
}

// A watch with two waiters survives the first Stop, and is removed after the
// second.
func TestFault14_SharedWatches(t *testing.T) {
	for _, c := range []struct{ first, second string }{
		{"get", "get"}, {"exists", "exists"}, {"children", "children"}, {"get", "exists"}, {"exists", "get"},
		{"get", "children"}, {"children", "get"}, {"children", "exists"},
	} {
		t.Run(c.first+" and "+c.second, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/d", nil))
				s := w.process().session()
				stopped := watchCalls[c.first](w, s, "/d")
				kept := watchCalls[c.second](w, s, "/d")
				stopped.Stop()
				time.Sleep(settleTime)
				require.Equal(w, 1, w.Srv.WatchesOf("/d"), "one waits")
				if c.second == "children" {
					require.NoError(w, w.Srv.Put("/d/child", nil))
				} else {
					require.NoError(w, w.Srv.Put("/d", []byte("new")))
				}
				<-kept.Done()
				require.Zero(w, stopped.Event())

				kept = watchCalls[c.second](w, s, "/d")
				kept.Stop()
				kept.Stop() // which changes nothing
				time.Sleep(settleTime)
				require.Zero(w, w.Srv.WatchesOf("/d"), "nobody waits")
			})
		})
	}
}

// A watch may be set again at any moment after its Stop, such as during or
// directly after its removal from the server. It fires exactly once.
func TestFault14_StoppedAndSetAgain(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Millisecond} {
		for _, pause := range []time.Duration{
			0, time.Nanosecond, 500 * time.Microsecond, time.Millisecond, 1500 * time.Microsecond, 2 * time.Millisecond,
			2500 * time.Microsecond, 3 * time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second,
		} {
			t.Run(fmt.Sprintf("latency %v, set again after %v", delay, pause), func(t *testing.T) {
				for name, set := range watchCalls {
					inWorld(t, func(w *world) { stopAndSetAgain(w, name, set, delay, pause) })
				}
			})
		}
	}
}

func stopAndSetAgain(w *world, name string, set func(*world, *core.Session, string) *core.Watch, delay, pause time.Duration) {
	require.NoError(w, w.Srv.Put("/d", nil))
	p := w.process()
	s := p.session()
	p.link.Delay(delay)
	old := set(w, s, "/d")
	for range 3 {
		old.Stop()
		time.Sleep(pause)
		old = set(w, s, "/d")
	}
	old.Stop()
	time.Sleep(pause)
	fired := 0
	var mu sync.Mutex
	call := func(core.EventType) { mu.Lock(); defer mu.Unlock(); fired++ }
	var again *core.Watch
	var err error
	switch name {
	case "get":
		_, _, again, err = s.GetFunc(w.Context(), "/d", call)
	case "exists":
		_, _, again, err = s.ExistsFunc(w.Context(), "/d", call)
	case "children":
		_, _, again, err = s.ChildrenFunc(w.Context(), "/d", call)
	}
	require.NoError(w, err)
	change := func() {
		require.NoError(w, w.Srv.Put("/d", []byte("new")))
		require.NoError(w, w.Srv.Put("/d/child", nil))
		require.NoError(w, w.Srv.Remove("/d/child"))
		time.Sleep(settleTime)
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return fired }
	time.Sleep(settleTime) // the removal has come to nothing by now
	require.Zero(w, count(), "%s: nothing has changed", name)
	change()
	require.Equal(w, 1, count(), name)
	require.NotZero(w, again.Event())
	change()
	require.Equal(w, 1, count(), name)
	require.Zero(w, old.Event())
	require.Zero(w, w.Srv.Watches(), name)
}

// A server may not remove a watch, because it is older than 3.5 or because the
// watch has fired by then. That disturbs neither the session nor later watches.
func TestFault14_RefusedRemovals(t *testing.T) {
	for _, code := range []zktest.Code{zktest.CodeNoWatcher, zktest.CodeUnimplemented, zktest.CodeThrottledOp, zktest.CodeNoAuth} {
		t.Run(code.Error(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/d", nil))
				p := w.process()
				s := p.session()
				refused := w.throttle(code, 2, zktest.OpRemoveWatches)
				watchCalls["get"](w, s, "/d").Stop()
				time.Sleep(settleTime)
				require.NotZero(w, refused(), "the session asks the server to remove the watch")
				kept := watchCalls["get"](w, s, "/d")
				require.NoError(w, w.Srv.Put("/d", []byte("new")))
				<-kept.Done()
				require.Equal(w, core.NodeDataChanged, kept.Event())
				require.Equal(w, 1, w.Srv.Count(zktest.OpConnect), "the connection lasts")
				require.NoError(w, s.Err())
			})
		})
	}
}

// A read with a watch that fails because the node is missing leaves no watch.
func TestFault14_FailedReadsLeaveNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process().session()
		_, _, _, err := s.GetW(w.Context(), "/missing")
		require.ErrorIs(w, err, zk.ErrNoNode)
		_, _, _, err = s.ChildrenW(w.Context(), "/missing")
		require.ErrorIs(w, err, zk.ErrNoNode)
		ctx := w.Within(time.Second)
		w.Srv.Freeze()
		_, _, _, err = s.ExistsW(ctx, "/missing")
		require.Error(w, err, "the answer comes after the caller has gone")
		w.Srv.Thaw()
		time.Sleep(settleTime)
		require.Zero(w, w.Srv.Watches())
	})
}
