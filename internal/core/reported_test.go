package core_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// TestUnreportedWrites: a follower commits a holder's write, and dies before its
// next report. The leader counts the session's timeout from an earlier report.
// With the shortest timeout that a server grants, two ticks, a report comes
// each quarter of it. The hold ends before the leader removes its node, whenever
// the write and the reports come.
func TestUnreportedWrites(t *testing.T) {
	const timeout = 6 * time.Second
	for seed := range uint64(100) {
		for _, ticks := range []time.Duration{2, 3, 5} {
			inWorld(t, func(w *world) {
				dice := rand.New(rand.NewPCG(seed, uint64(ticks)))
				within := func(d time.Duration) time.Duration { return time.Duration(dice.Int64N(int64(d))) }
				p := w.process(func(c *core.Config) { c.Timeout = timeout })
				h := p.enter("/locks/a")
				ended := stopwatch(h.Context())
				time.Sleep(within(timeout))
				w.Srv.FollowerReports(timeout / ticks / 2)
				time.Sleep(2*timeout + within(timeout))
				for range dice.IntN(4) {
					require.NoError(w, h.Session().Confirm(w.Context(), "/"))
					time.Sleep(within(timeout / 6))
				}
				require.NoError(w, h.Session().Confirm(w.Context(), "/"))
				require.NoError(w, h.Err())
				p.link.Cut(zktest.Both)
				w.Srv.LoseReport()
				w.Srv.FollowerReports(0)
				w.endedBefore(h, ended, timeout/12)
			})
		}
	}
}

// TestLateReport: a report comes a seventieth of the timeout later than half a
// tick, the longest one. So a ping that was answered half a tick before a write
// is not reported.
func TestLateReport(t *testing.T) {
	const timeout = 6 * time.Second
	const every = timeout/4 + timeout/70
	inWorld(t, func(w *world) {
		p := w.process(func(c *core.Config) { c.Timeout = timeout })
		h := p.enter("/locks/a")
		ended := stopwatch(h.Context())
		pings := make(chan struct{}, 10)
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpPing {
				pings <- struct{}{}
			}
			return zktest.Pass
		}))
		for range 3 {
			<-pings
		}
		time.Sleep(timeout/3 - every - time.Millisecond) // the report comes directly before the next ping
		w.Srv.FollowerReports(every)
		<-pings
		time.Sleep(timeout/4 + timeout/100)
		require.NoError(w, h.Session().Confirm(w.Context(), "/"))
		require.NoError(w, h.Err())
		p.link.Cut(zktest.Both)
		w.Srv.LoseReport()
		w.Srv.FollowerReports(0)
		w.endedBefore(h, ended, timeout/12)
	})
}
