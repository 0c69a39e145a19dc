package core_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// If the server throttles the removal of a watch, the removal is repeated
// later.
func TestThrottledRemoval(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		var asked atomic.Int32
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpRemoveWatches && asked.Add(1) <= 3 {
				return zktest.Fail(zktest.CodeThrottledOp)
			}
			return zktest.Pass
		}))
		_, _, watch, err := s.ExistsW(w.Context(), "/missing")
		require.NoError(w, err)
		watch.Stop()
		time.Sleep(time.Minute)
		require.EqualValues(w, 4, asked.Load())
		require.Zero(w, w.Srv.Watches(), "the watch is left")
	})
}

// If the server throttles the removal of a persistent watch, the removal is
// repeated later. A waiter that came to the same node meanwhile misses no
// change.
func TestThrottledRemovalOfAPersistentWatch(t *testing.T) {
	for _, recursive := range []bool{false, true} {
		inWorld(t, func(w *world) {
			require.NoError(w, w.Srv.Put("/a", nil))
			p := w.process()
			s := p.session()
			var asked atomic.Int32
			w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Op == zktest.OpRemoveWatches && asked.Add(1) <= 3 {
					return zktest.Fail(zktest.CodeThrottledOp)
				}
				return zktest.Pass
			}))
			f, err := s.Follow(w.Context(), "/a", recursive, func(core.Followed) {})
			require.NoError(w, err)
			f.Stop()
			synctest.Wait()
			_, _, watch, err := s.GetW(w.Context(), "/a")
			require.NoError(w, err)
			time.Sleep(time.Minute)
			require.EqualValues(w, 4, asked.Load())
			select {
			case <-watch.Done(): // it reads again
			default:
				require.NoError(w, w.Srv.Put("/a", []byte("new")))
				<-watch.Done()
			}
			time.Sleep(time.Minute)
			require.Zero(w, w.Srv.Watches(), "the watch is left")
		})
	}
}

// A follower that follows again before the server has removed the watch keeps
// it.
func TestThrottledRemovalAndANewFollower(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", nil))
		p := w.process()
		s := p.session()
		defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpRemoveWatches {
				return zktest.Fail(zktest.CodeThrottledOp)
			}
			return zktest.Pass
		})()
		f, err := s.Follow(w.Context(), "/a", false, func(core.Followed) {})
		require.NoError(w, err)
		f.Stop()
		synctest.Wait()
		told := make(chan core.Followed, 10)
		g, err := s.Follow(w.Context(), "/a", false, func(e core.Followed) { told <- e })
		require.NoError(w, err)
		defer g.Stop()
		time.Sleep(time.Minute)
		require.NoError(w, w.Srv.Put("/a", []byte("new")))
		require.Equal(w, core.NodeDataChanged, (<-told).Event)
	})
}
