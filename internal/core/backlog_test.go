package core_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// A probe after many writes is answered late. While these writes are answered,
// a quorum exists, and the connection is kept.
func TestProbeBehindABacklog(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		_, err := p.Create(w.Context(), "/busy", nil, core.Persistent)
		require.NoError(w, err)
		before := w.Srv.Count(zktest.OpConnect)
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpSetData {
				return zktest.Delay(300 * time.Millisecond)
			}
			return zktest.Pass
		})
		end := time.Now().Add(2 * time.Minute)
		var work sync.WaitGroup
		for range 9 { // one of them waits for 2.7 seconds, a probe for as long; it has 2 alone
			work.Go(func() {
				for time.Now().Before(end) {
					_, err := p.Set(w.Context(), "/busy", nil, core.AnyVersion)
					require.NoError(w, err)
				}
			})
		}
		work.Wait()
		remove()
		require.NoError(w, h.Err())
		require.Equal(w, before, w.Srv.Count(zktest.OpConnect), "a connection was given up")
	})
}
