package core_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// health returns the health of a process, after it has checked what holds of
// every health.
func (p *process) health() core.Health {
	p.w.Helper()
	h := p.Health()
	require.Equal(p.w, h.Confirmed, h.Err == nil, "the reason: %v", h.Err)
	require.False(p.w, h.Since.After(time.Now()))
	if h.Confirmed {
		require.Equal(p.w, core.Connected, h.State)
		require.True(p.w, time.Now().Before(h.Deadline))
	}
	if h.State == core.Lost || h.State == core.Closed {
		require.Zero(p.w, h.Session)
		require.Zero(p.w, h.Deadline)
		require.Zero(p.w, h.Holds)
	}
	return h
}

func TestHealthThroughALife(t *testing.T) {
	inWorld(t, func(w *world) {
		began := time.Now()
		p := w.process()
		s := p.session()
		time.Sleep(time.Minute)
		require.Equal(w, core.Health{
			State: core.Connected, Confirmed: true, Since: began,
			Session: s.ID(), Timeout: s.Timeout(), Deadline: p.health().Deadline, Server: "zk1:2181",
		}, p.health())

		h := p.enter("/locks/a")
		got := p.health()
		require.Equal(w, 1, got.Holds)
		require.True(w, got.Deadline.Equal(s.TrustedUntil()), "with a hold, the deadline is the trust deadline")

		p.link.Cut(zktest.Both)
		w.eventually("the loss is noticed", func() bool { return p.State() == core.Suspended })
		got = p.health()
		require.Equal(w, core.Suspended, got.State)
		require.True(w, got.Since.Equal(time.Now()))
		require.EqualError(w, got.Err, "no answer within 5s")
		<-h.Done()
		require.False(w, time.Now().Before(got.Deadline))
		got = p.health()
		require.Equal(w, core.Lost, got.State)
		require.ErrorIs(w, got.Err, core.ErrTrustElapsed)

		time.Sleep(time.Minute)
		got = p.health()
		require.InDelta(w, time.Minute.Seconds(), time.Since(got.Since).Seconds(), 5, "since the quorum was lost, not since the session was")
		require.ErrorContains(w, got.Err, "dial zk1:2181: no answer within ")
		require.ErrorIs(w, got.Err, core.ErrTrustElapsed)

		p.link.Heal()
		next := p.next(s)
		synctest.Wait()
		got = p.health()
		require.True(w, got.Confirmed)
		require.True(w, got.Since.Equal(time.Now()), "%v", time.Since(got.Since))
		require.Equal(w, next.ID(), got.Session)
		p.Close()
		got = p.health()
		require.Equal(w, core.Closed, got.State)
		require.Equal(w, core.ErrClosed, got.Err)
	})
}

// A leader without a quorum confirms nothing, also if nothing but Health asks.
func TestHealthOnADeposedLeader(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		require.True(w, p.health().Confirmed)
		old := w.Srv.Depose(p.link)
		p.link.Disconnect()
		connected := 0
		for range 200 {
			time.Sleep(11 * time.Millisecond)
			synctest.Wait()
			h := p.health()
			require.False(w, h.Confirmed)
			if h.State == core.Connected {
				connected++
				require.EqualError(w, h.Err, "a server is connected, and no quorum has answered on this connection yet")
			}
		}
		require.Greater(w, connected, 100)
		old.StepDown()
		time.Sleep(5 * time.Second)
		require.True(w, p.health().Confirmed)
	})
}

// Health sends nothing on a confirmed connection. Each later connection costs
// one check, also the present one if it is unconfirmed at the first call.
func TestHealthCostsOneCheckForEachConnection(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		w.Srv.ResetCounts()
		p.link.Disconnect()
		time.Sleep(time.Minute)
		require.Zero(w, w.Srv.Count(zktest.OpMulti), "nothing has asked")
		require.False(w, p.health().Confirmed)
		synctest.Wait()
		require.True(w, p.health().Confirmed)
		for range 1000 {
			p.health()
		}
		time.Sleep(time.Minute)
		require.Equal(w, 1, w.Srv.Count(zktest.OpMulti))
		p.link.Disconnect()
		time.Sleep(time.Minute)
		require.True(w, p.health().Confirmed)
		require.Equal(w, 2, w.Srv.Count(zktest.OpMulti))
	})
}

// A Manager that has never had a session says since when, and why.
func TestHealthBeforeTheFirstSession(t *testing.T) {
	inWorld(t, func(w *world) {
		link := w.Srv.Link()
		link.Cut(zktest.Both)
		began := time.Now()
		sm, err := core.Start(core.Config{Servers: []string{"zk1"}, Dialer: link.DialContext})
		require.NoError(w, err)
		w.Cleanup(func() { sm.Close() })
		p := &process{sm, w, link}
		require.ErrorIs(w, p.health().Err, core.ErrUnreachable)
		time.Sleep(time.Minute)
		h := p.health()
		require.Equal(w, core.Lost, h.State)
		require.True(w, h.Since.Equal(began))
		require.ErrorIs(w, h.Err, core.ErrUnreachable)
		require.ErrorContains(w, h.Err, "no answer within ")
		link.Heal()
		p.session()
		synctest.Wait()
		require.True(w, p.health().Confirmed)
	})
}

// Under OnDisconnect no hold is left after the disconnection.
func TestHealthOnDisconnect(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process(strict)
		p.enter("/locks/a")
		p.link.Refuse(true)
		p.link.Disconnect()
		synctest.Wait()
		h := p.health()
		require.Equal(w, core.Suspended, h.State)
		require.Zero(w, h.Holds)
	})
}

// Health is read from many goroutines while connections and sessions come and
// go.
func TestHealthConcurrently(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		ctx, cancel := context.WithCancel(w.Context())
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for ctx.Err() == nil {
					p.health()
					p.Stats()
					time.Sleep(time.Millisecond)
				}
			})
		}
		for range 5 {
			p.link.Disconnect()
			time.Sleep(100 * time.Millisecond)
			s := p.session()
			w.Srv.Expire(s.ID())
			p.next(s)
		}
		p.Close()
		cancel()
		readers.Wait()
	})
}

func TestStats(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		synctest.Wait()
		require.Zero(w, p.Stats(), "the client's own requests do not count")
		_, err := p.Create(w.Context(), "/a", nil, core.Persistent)
		require.NoError(w, err)
		_, err = p.Create(w.Context(), "/a", nil, core.Persistent)
		require.ErrorIs(w, err, core.ErrNodeExists)
		want := core.Stats{Done: 1, Refused: 1}
		require.Equal(w, want, p.Stats())

		throttled := false
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetData && !throttled {
				throttled = true
				return zktest.Fail(-127)
			}
			return zktest.Pass
		})
		_, _, err = p.Get(w.Context(), "/a")
		require.NoError(w, err)
		remove()
		want.NotExecuted, want.Done = 1, want.Done+1
		require.Equal(w, want, p.Stats())

		remove = w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpSetData {
				return zktest.Fail(-1)
			}
			return zktest.Pass
		})
		_, err = p.Set(w.Context(), "/a", nil, -1)
		require.ErrorIs(w, err, core.ErrUnknownOutcome)
		remove()
		want.Unknown = 1
		require.Equal(w, want, p.Stats())

		w.Srv.Freeze()
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		_, err = p.Set(ctx, "/a", nil, -1)
		require.ErrorIs(w, err, core.ErrUnknownOutcome)
		require.Equal(w, want, p.Stats(), "an answer may still come")
		p.link.Disconnect()
		synctest.Wait()
		w.Srv.Thaw()
		want.Unanswered = 1
		require.Equal(w, want, p.Stats())
	})
}

// The checks of a session that holds something are counted when they have
// ended. Those that a server throttles, and those on a connection that ends, have
// failed.
func TestStatsOfProbes(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		p.enter("/locks/a")
		w.eventually("probes follow pings", func() bool { return p.Stats().Probes >= 3 })
		require.Zero(w, p.Stats().ProbesFailed)
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMulti {
				return zktest.Fail(-127)
			}
			return zktest.Pass
		})
		w.eventually("one is throttled", func() bool { return p.Stats().ProbesFailed == 1 })
		remove()
		w.eventually("the next succeeds", func() bool { return p.Stats().Probes > 4 })
		require.EqualValues(w, 1, p.Stats().ProbesFailed)
		w.Srv.SlowQuorum(core.DefaultTimeout)
		w.eventually("the connection is given up", func() bool { return p.Stats().ProbesFailed > 1 })
		w.Srv.SlowQuorum(0)
	})
}

// managed is a hook that keeps its Manager.
type managed struct {
	record
	told []*core.Manager
	bad  bool
}

func (m *managed) OnManager(sm *core.Manager) {
	m.told = append(m.told, sm)
	m.bad = len(m.stateList()) > 0
	if h := sm.Health(); h.State != core.Lost || !errors.Is(h.Err, core.ErrUnreachable) {
		m.bad = true
	}
}

func TestHookManager(t *testing.T) {
	inWorld(t, func(w *world) {
		hook := new(managed)
		p := w.process(func(cfg *core.Config) { cfg.Hooks = []core.Hook{hook} })
		require.Equal(w, []*core.Manager{p.Manager}, hook.told)
		require.False(w, hook.bad, "it was told first")
	})
}
