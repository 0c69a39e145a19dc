package core_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// TestFault01_ProbesDelayNoPing has a quorum take a second for each probe. The
// server answers the requests of a session in order: each ping of a holder comes
// while no probe is unanswered.
func TestFault01_ProbesDelayNoPing(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		time.Sleep(time.Minute) // until probes follow pings
		const slow = time.Second
		w.Srv.SlowQuorum(slow)
		var probed time.Time
		var pings, probes, late int
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			switch r.Op {
			case zktest.OpMulti:
				probed = time.Now()
				probes++
			case zktest.OpPing:
				if pings++; time.Since(probed) < slow {
					late++
				}
			}
			return zktest.Pass
		}))
		time.Sleep(10 * time.Minute)
		w.Srv.SlowQuorum(0)
		require.NoError(w, h.Err())
		require.NoError(w, h.Release())
		synctest.Wait()
		require.InDelta(w, 180, pings, 2)
		require.InDelta(w, 180, probes, 2)
		require.Zero(w, late, "pings that wait behind a probe")
	})
}
