package core_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// Thousands of watches take many requests of the configured size. They survive
// two reconnections: changes during and after the disconnections fire them.
func TestFault10_ThousandsOfWatchesLastThroughReconnections(t *testing.T) {
	const n, limit = 3000, 8 << 10
	inWorld(t, func(w *world) {
		p := w.process(func(cfg *core.Config) { cfg.MaxRequest = limit })
		s := p.session()
		var mu sync.Mutex // of fired
		fired := make([]int, n)
		path := func(i int) string { return fmt.Sprintf("/registry/of/many/services/%0100d", i) }
		for i := range n {
			call := func(core.EventType) { mu.Lock(); defer mu.Unlock(); fired[i]++ }
			var err error
			switch i % 3 {
			case 0:
				require.NoError(w, w.Srv.Put(path(i), nil))
				_, _, _, err = s.GetFunc(w.Context(), path(i), call)
			case 1:
				require.NoError(w, w.Srv.Put(path(i), nil))
				_, _, _, err = s.ChildrenFunc(w.Context(), path(i), call)
			case 2:
				_, _, _, err = s.ExistsFunc(w.Context(), path(i), call)
			}
			require.NoError(w, err)
		}
		change := func(i int) {
			name := path(i)
			if i%3 == 1 {
				name += "/child"
			}
			require.NoError(w, w.Srv.Put(name, []byte("new")))
		}
		// expect says which watches have fired: those below upTo, and of the
		// others each hundredth.
		expect := func(when string, upTo int, hundredths bool) {
			w.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			for i, got := range fired {
				want := 0
				if i < upTo || hundredths && i%100 == 0 {
					want = 1
				}
				require.Equal(w, want, got, "%s: watch %d", when, i)
			}
		}
		for round := range 2 {
			p.link.Refuse(true)
			p.link.Disconnect()
			w.eventually("suspended", func() bool { return p.State() == core.Suspended })
			if round == 1 {
				for i := 0; i < n; i += 100 {
					change(i)
				}
			}
			p.link.Refuse(false)
			require.NoError(w, s.Sync(w.Context(), "/"))
			time.Sleep(time.Minute)
			expect(fmt.Sprintf("round %d", round), 0, round == 1)
		}
		require.Equal(w, 3, w.Srv.Count(zktest.OpConnect), "each reconnection succeeds at once")
		require.Equal(w, n-n/100, w.Srv.Watches())
		for i := range n {
			if i%100 != 0 {
				change(i)
			}
		}
		expect("in the end", n, false)
		require.Zero(w, w.Srv.Watches())
		require.NoError(w, s.Err())
	}, zktest.MaxFrame(limit))
}
