package core_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// The error of a failed Dial says which server failed, and how.
func TestDialFails(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *world, l *zktest.Link)
		reason  string
	}{
		"nobody listens":            {func(_ *world, l *zktest.Link) { l.Refuse(true) }, "zktest: connection refused"},
		"packets vanish":            {func(_ *world, l *zktest.Link) { l.Cut(zktest.Both) }, "dial zk1:2181: no answer within "},
		"hangs in the handshake":    {func(w *world, _ *zktest.Link) { w.Srv.HangHandshakes(true) }, "handshake with zk1:2181: no answer within "},
		"frozen":                    {func(w *world, _ *zktest.Link) { w.Srv.Freeze() }, "handshake with zk1:2181: no answer within "},
		"hangs up in the handshake": {func(w *world, l *zktest.Link) { l.Delay(50 * time.Millisecond); hangUp(l) }, "handshake with zk1:2181: "},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				link := w.Srv.Link()
				c.prepare(w, link)
				ctx := w.Within(20 * time.Second)
				start := time.Now()
				sm, err := core.Dial(ctx, core.Config{Servers: []string{"zk1"}, Dialer: link.DialContext})
				require.Nil(w, sm)
				require.ErrorIs(w, err, core.ErrUnreachable)
				require.ErrorIs(w, err, context.DeadlineExceeded)
				require.ErrorContains(w, err, "connect to ZooKeeper: ")
				require.ErrorContains(w, err, "zk1:2181")
				require.ErrorContains(w, err, c.reason)
				require.Less(w, time.Since(start), 22*time.Second, "Dial returns with ctx")
				// The bubble ends only if no goroutine remains.
			})
		})
	}
}

// hangUp breaks the link's connections repeatedly.
func hangUp(l *zktest.Link) {
	l.Disconnect()
	time.AfterFunc(50*time.Millisecond, func() { hangUp(l) })
}

// If the deadline of Dial is shorter than the patience with one server, the
// error still names the servers.
func TestDialFailsEarly(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Srv.HangHandshakes(true)
		_, err := core.Dial(w.Within(time.Second), core.Config{Servers: []string{"zk1", "zk2:99"}, Dialer: w.Srv.DialContext})
		require.ErrorIs(w, err, core.ErrUnreachable)
		require.ErrorContains(w, err, "no answer yet from zk1:2181, zk2:99")
	})
}

func TestDialUnresolvable(t *testing.T) {
	// The names go to LookupHost, and no address is ever dialled.
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := core.Dial(ctx, core.Config{Servers: []string{"zk.invalid:2181"},
			LookupHost: func(context.Context, string) ([]string, error) { return nil, errors.New("no such host") }})
		require.ErrorIs(t, err, core.ErrUnreachable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "look up zk.invalid: no such host")
	})
}

// A list in which only one of three listens, by name and by address.
func TestDialOneOfThree(t *testing.T) {
	inWorld(t, func(w *world) {
		for i := range 20 {
			var mu sync.Mutex
			tried := make(map[string]int)
			p := w.process(func(cfg *core.Config) {
				cfg.Servers = []string{"down1", "up:2182", "down2"}
				dial := cfg.Dialer
				cfg.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
					mu.Lock()
					tried[addr]++
					mu.Unlock()
					if addr != "up:2182" {
						return nil, fmt.Errorf("connection refused")
					}
					return dial(ctx, network, addr)
				}
			})
			require.LessOrEqual(w, tried["down1:2181"], 1, "try %d: one round is enough", i)
			require.Equal(w, 1, tried["up:2182"])
			require.NoError(w, p.Close())
		}
	})
}

// An ended context wins over a server that is ready.
func TestDialWithDoneContext(t *testing.T) {
	inWorld(t, func(w *world) {
		cause := errors.New("no longer wanted")
		ctx, cancel := context.WithCancelCause(w.Context())
		cancel(cause)
		for range 50 {
			sm, err := core.Dial(ctx, core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.DialContext})
			require.Nil(w, sm)
			require.ErrorIs(w, err, core.ErrUnreachable)
			require.ErrorIs(w, err, cause)
		}
		require.Zero(w, w.Srv.Count(zktest.OpConnect))
	})
}

// Case 21: never connected. Only Closed is reported.
func TestHardCase21_NeverConnected(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Srv.HangHandshakes(true)
		var hook record
		cfg := core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.DialContext}
		hook.hook(&cfg)
		_, err := core.Dial(w.Within(time.Minute), cfg)
		require.ErrorIs(w, err, core.ErrUnreachable)
		require.Equal(w, []core.State{core.Closed}, hook.stateList())
		require.Empty(w, w.Srv.Sessions())
	})
}

// The server comes up while Dial waits.
func TestDialWaitsForTheServer(t *testing.T) {
	inWorld(t, func(w *world) {
		link := w.Srv.Link()
		link.Refuse(true)
		time.AfterFunc(time.Minute, func() { link.Refuse(false) })
		start := time.Now()
		sm, err := core.Dial(w.Context(), core.Config{Servers: []string{"zk1"}, Dialer: link.DialContext})
		require.NoError(w, err)
		require.InDelta(w, time.Minute, time.Since(start), float64(2*time.Second), "pauses stay short")
		require.NoError(w, sm.Close())
	})
}

// The loss of a session before its credentials were answered is not a refusal:
// Dial goes on to the next session.
func TestDialOutlivesASessionLostEarly(t *testing.T) {
	inWorld(t, func(w *world) {
		link := w.Srv.Link()
		first := true
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpAuth && first {
				first = false
				link.Cut(zktest.Both)
				time.AfterFunc(time.Minute, link.Heal)
			}
			return zktest.Pass
		}))
		start := time.Now()
		sm, err := core.Dial(w.Context(), core.Config{Servers: []string{"zk1"}, Dialer: link.DialContext,
			Auth: []core.Credential{core.Digest("ann", "pw")}})
		require.NoError(w, err)
		require.Greater(w, time.Since(start), 50*time.Second, "else nothing was lost")
		require.NoError(w, sm.Sync(w.Context(), "/"))
		require.NoError(w, sm.Close())
	})
}

// Dial returns at the end of its context although a server hangs on the
// credentials, and leaves no goroutine.
func TestDialEndsWhileAuthenticating(t *testing.T) {
	inWorld(t, func(w *world) {
		hold := make(chan struct{})
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpAuth {
				return zktest.Hold(hold)
			}
			return zktest.Pass
		}))
		start := time.Now()
		_, err := core.Dial(w.Within(time.Second), core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.DialContext,
			Auth: []core.Credential{core.Digest("ann", "pw")}})
		require.ErrorIs(w, err, core.ErrUnreachable)
		require.Less(w, time.Since(start), 5*time.Second, "the client's own Close takes a moment")
		close(hold)
	})
}

// Close while the manager dials for its next session.
func TestCloseWhileDialling(t *testing.T) {
	for name, cut := range map[string]func(w *world, p *process){
		"refused":        func(_ *world, p *process) { p.link.Refuse(true) },
		"packets vanish": func(_ *world, p *process) { p.link.Cut(zktest.Both) },
		"hanging":        func(w *world, _ *process) { w.Srv.HangHandshakes(true) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process()
				s := p.session()
				cut(w, p)
				p.link.Disconnect()
				<-s.Done()
				time.Sleep(7 * time.Second)
				waiting := make(chan error, 1)
				go func() {
					_, _, err := p.Get(w.Context(), "/")
					waiting <- err
				}()
				synctest.Wait()
				start := time.Now()
				require.NoError(w, p.Close())
				require.Less(w, time.Since(start), 5*time.Second)
				require.ErrorIs(w, <-waiting, core.ErrClosed)
				require.Equal(w, core.Closed, p.State())
			})
		})
	}
}

// Unreachable servers are not dialled more often than the pauses allow.
func TestDialingIsPaced(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		var dials int
		_ = p
		cfg := core.Config{Servers: []string{"zk1", "zk2", "zk3"}, Dialer: func(context.Context, string, string) (net.Conn, error) {
			dials++
			return nil, errors.New("connection refused")
		}}
		_, err := core.Dial(w.Within(time.Hour), cfg)
		require.ErrorIs(w, err, core.ErrUnreachable)
		// The longest pause is 1 s here, so that a round of three takes half a second on
		// average.
		require.Less(w, dials, 3*3*3600)
		require.Greater(w, dials, 3*3600)
	})
}
