package inspect

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// troubled demands that a watch tells of trouble within the time that it says,
// and returns what it told.
func troubled(w *testworld.World, next func() watched) *TroubleError {
	w.Helper()
	began := time.Now()
	v := next()
	var trouble *TroubleError
	require.ErrorAs(w, v.err, &trouble)
	require.LessOrEqual(w, v.at.Sub(began), DefaultPulse+DefaultSilence+time.Second)
	return trouble
}

// A server answers reads, syncs and pings, and has no quorum for a write: a
// leader that was deposed, for a while.
func TestFault31_ServerWithoutAQuorum(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/k", "1")
		var confirmed []time.Time
		next, quiet, _ := follow(w, w.Process(), "/", OnConfirm(func(at time.Time) { confirmed = append(confirmed, at) }))
		at[*ConfigKey](w, next().Report, "/k")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.InDelta(t, time.Minute/DefaultPulse, len(confirmed), 1)
		last := confirmed[len(confirmed)-1]

		back := make(chan struct{})
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMulti {
				return zktest.Hold(back)
			}
			return zktest.Pass
		})
		trouble := troubled(w, next)
		require.True(t, trouble.NoQuorum)
		require.False(t, trouble.Confirmed.Before(last))
		require.ErrorContains(t, trouble, "no answer for 5s: a server can be reached, but the ensemble has no quorum")
		w.Put("/k", "2") // what the server says alone does not count
		require.True(t, quiet())
		remove()
		close(back)
		require.Equal(t, int32(1), at[*ConfigKey](w, next().Report, "/k").Version)
		require.True(t, quiet())
	})
}

// No server answers: frozen, or not to be reached.
func TestFault31_NoServer(t *testing.T) {
	for name, c := range map[string]struct {
		away, back func(w *testworld.World, p *testworld.Process)
		noQuorum   []bool // what is told in turn
	}{
		"frozen": {
			func(w *testworld.World, _ *testworld.Process) { w.Srv.Freeze() },
			func(w *testworld.World, _ *testworld.Process) { w.Srv.Thaw() },
			[]bool{false},
		},
		"cut off": {
			func(_ *testworld.World, p *testworld.Process) { p.Link.Refuse(true); p.Link.Disconnect() },
			func(_ *testworld.World, p *testworld.Process) { p.Link.Refuse(false) },
			[]bool{false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				w.Put("/k", "1")
				p := w.Process()
				next, quiet, _ := follow(w, p, "/")
				at[*ConfigKey](w, next().Report, "/k")
				time.Sleep(time.Minute)
				c.away(w, p)
				for _, want := range c.noQuorum {
					require.Equal(t, want, troubled(w, next).NoQuorum)
				}
				require.True(t, quiet(), "it is told once")
				c.back(w, p)
				at[*ConfigKey](w, next().Report, "/k")
				require.True(t, quiet())
			})
		})
	}
}

// A server that has no quorum takes connections and closes them.
func TestFault31_ServersThatCloseConnections(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/k", "1")
		var electing atomic.Bool
		link := w.Srv.Link()
		p := w.Process(func(c *session.Config) {
			c.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if !electing.Load() {
					return link.DialContext(ctx, network, addr)
				}
				ours, theirs := net.Pipe()
				go func() {
					_, _ = theirs.Read(make([]byte, 1024)) // the handshake
					_ = theirs.Close()
				}()
				return ours, nil
			}
		})
		next, quiet, _ := follow(w, p, "/")
		at[*ConfigKey](w, next().Report, "/k")
		electing.Store(true)
		link.Disconnect()
		trouble := troubled(w, next)
		require.True(t, trouble.NoQuorum)
		require.ErrorIs(t, trouble, session.ErrNotServing)
		require.ErrorContains(t, trouble, "no quorum (handshake with zk1")
		require.True(t, quiet())
		electing.Store(false)
		at[*ConfigKey](w, next().Report, "/k")
	})
}

// Before there is a first report there can be trouble, too.
func TestFault31_NoServerFromTheStart(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/k", "1")
		p := w.Process()
		p.Link.Refuse(true)
		p.Link.Disconnect()
		next, _, _ := follow(w, p, "/")
		require.Zero(t, troubled(w, next).Confirmed)
		p.Link.Refuse(false)
		at[*ConfigKey](w, next().Report, "/k")
	})
}

// An error of the inspection is told, and does not end it.
func TestFault31_GoesOnAfterAnyError(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/k", "1")
		mend := w.Fail(zktest.OpGetData, "/k", zktest.CodeSystemError)
		next, _, _ := follow(w, w.Process(), "/")
		first := next()
		require.Error(t, first.err)
		var trouble *TroubleError
		require.False(t, errors.As(first.err, &trouble))
		for range 10 {
			v := next()
			require.Error(t, v.err)
			require.LessOrEqual(t, v.at.Sub(first.at), MaxRetry+time.Second)
			first = v
		}
		mend()
		at[*ConfigKey](w, next().Report, "/k")
	})
}

func TestWatch_wrongUse(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		for _, c := range []struct {
			path string
			opt  Option
		}{{"no path", Limit(1)}, {"/", Pulse(-1)}, {"/", Silence(-1)}} {
			n := 0
			for _, err := range Changes(w.Context(), w.Process().Manager, c.path, c.opt) {
				require.Error(t, err)
				n++
			}
			require.Equal(t, 1, n, "it ends")
		}
	})
}

// A loop that is left while there is trouble leaves nothing behind.
func TestFault31_LeftInTrouble(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Srv.Freeze()
		defer w.Srv.Thaw()
		for _, err := range Changes(w.Context(), p.Manager, "/") {
			require.Error(t, err)
			break
		}
		require.NotErrorIs(t, p.LastFailure(), session.ErrClosed)
	})
}
