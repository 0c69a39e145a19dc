package core_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// The function of a watch has been called for a change by the time at which a
// later read is answered. It is called once.
func TestWatchFuncHearsBeforeTheAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/d/a", nil))
		s := w.process().session()
		var mu sync.Mutex
		heard := make(map[string][]core.EventType)
		listen := func(what string) func(core.EventType) {
			return func(event core.EventType) {
				mu.Lock()
				defer mu.Unlock()
				heard[what] = append(heard[what], event)
			}
		}
		_, _, _, err := s.GetFunc(w.Context(), "/d/a", listen("data"))
		require.NoError(w, err)
		_, _, _, err = s.ChildrenFunc(w.Context(), "/d", listen("children"))
		require.NoError(w, err)
		_, found, _, err := s.ExistsFunc(w.Context(), "/d/b", listen("exists"))
		require.NoError(w, err)
		require.False(w, found)
		_, _, stopped, err := s.GetFunc(w.Context(), "/d/a", listen("stopped"))
		require.NoError(w, err)
		stopped.Stop()
		_, _, _, err = s.GetFunc(w.Context(), "/d", listen("kept"))
		require.NoError(w, err)

		require.NoError(w, w.Srv.Put("/d/a", []byte("x")))
		require.NoError(w, w.Srv.Put("/d/b", nil))
		_, _, err = s.Get(w.Context(), "/d")
		require.NoError(w, err)
		mu.Lock()
		require.Equal(w, map[string][]core.EventType{
			"data":     {core.NodeDataChanged},
			"children": {core.NodeChildrenChanged},
			"exists":   {core.NodeCreated},
		}, heard)
		mu.Unlock()
		w.Srv.Expire(s.ID())
		<-s.Done()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Equal(w, []core.EventType{core.SessionEnded}, heard["kept"])
	})
}
