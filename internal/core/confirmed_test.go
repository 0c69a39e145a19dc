package core_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// confirmed follows ConfirmedStates. The function returns the newest state.
func (p *process) confirmed() func() core.State {
	ctx, cancel := context.WithCancel(p.w.Context())
	changes := make(chan core.StateChange, 1000)
	go func() {
		defer close(changes)
		for change := range p.ConfirmedStates(ctx) {
			changes <- change
		}
	}()
	p.w.Cleanup(func() {
		cancel()
		for range changes {
		}
	})
	var last core.State
	return func() core.State {
		for synctest.Wait(); len(changes) > 0; {
			last = (<-changes).State
		}
		return last
	}
}

// A leader without a quorum accepts the session. The connection is unconfirmed
// until a quorum answers. All loops over ConfirmedStates share one check.
func TestFault31_ADeposedLeaderConfirmsNothing(t *testing.T) {
	for name, credentials := range map[string][]core.Credential{"without credentials": nil, "with": {core.Digest("u", "p")}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process(func(cfg *core.Config) { cfg.Auth = credentials })
				w.Srv.ResetCounts()
				one, other := p.confirmed(), p.confirmed()
				require.Equal(w, core.Connected, one())
				require.Equal(w, core.Connected, other())
				require.Zero(w, w.Srv.Count(zktest.OpMulti), "a quorum has made the session")

				old := w.Srv.Depose(p.link)
				p.link.Disconnect()
				connected := 0
				for range 200 {
					time.Sleep(11 * time.Millisecond)
					synctest.Wait()
					if p.State() == core.Connected {
						connected++
					}
					require.Equal(w, core.Suspended, one())
				}
				require.Greater(w, connected, 100)
				late := p.confirmed()
				require.Equal(w, core.Suspended, late(), "whoever comes now is not told otherwise")

				old.StepDown()
				w.Srv.ResetCounts()
				time.Sleep(5 * time.Second)
				for _, state := range []func() core.State{one, other, late} {
					require.Equal(w, core.Connected, state())
				}
				require.Equal(w, 1, w.Srv.Count(zktest.OpMulti), "one check for all")
			})
		})
	}
}

// A check that is throttled is repeated. A slow quorum gets more time at each
// attempt.
func TestFault31_TheCheckIsRepeated(t *testing.T) {
	for name, disturb := range map[string]func(w *world) (mend func()){
		"throttled": func(w *world) func() {
			n := 0
			return w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if n++; r.Op == zktest.OpMulti && n < 10 {
					return zktest.Fail(-127)
				}
				return zktest.Pass
			})
		},
		"slow": func(w *world) func() {
			w.Srv.SlowQuorum(core.DefaultTimeout / 3)
			return func() { w.Srv.SlowQuorum(0) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process()
				state := p.confirmed()
				s := p.session()
				defer disturb(w)()
				p.link.Disconnect()
				require.Equal(w, core.Suspended, state())
				time.Sleep(3 * core.DefaultTimeout)
				require.Equal(w, core.Connected, state())
				require.Equal(w, s, p.session(), "the session has survived")
			})
		})
	}
}

// Without a loop over ConfirmedStates, a reconnection costs no check. A write
// confirms the connection.
func TestConfirmedStatesCostNothingUnasked(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		w.Srv.ResetCounts()
		p.link.Disconnect()
		time.Sleep(time.Minute)
		_, err := p.Create(w.Context(), "/a", nil, core.Persistent)
		require.NoError(w, err)
		state := p.confirmed()
		require.Equal(w, core.Connected, state())
		time.Sleep(time.Minute)
		require.Zero(w, w.Srv.Count(zktest.OpMulti))
		p.Close()
		require.Equal(w, core.Closed, state())
	})
}
