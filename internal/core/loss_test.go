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

// Cases 14 and 19: the hold of a client that is cut off ends before the server
// removes its node, although no message can reach the client. (TestTrust has
// the variants.)
func TestHardCase14_19_HolderIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		ended := stopwatch(h.Context())
		p.link.Cut(zktest.Both)
		require.NoError(w, h.Err(), "a disconnection alone loses nothing")
		w.endedBefore(h, ended, 2500*time.Millisecond)
	})
}

// Case 16: the deadline counts from the newest answered request, not from the
// disconnection, which may be noticed long after it.
func TestHardCase16_DeadlineCountsFromTheLastAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		ended := stopwatch(h.Context())
		time.Sleep(time.Minute)
		synctest.Wait()
		deadline := h.Deadline()
		p.link.Cut(zktest.ToServer) // noticed when a ping stays unanswered
		w.deletedAt(h.Path())
		require.Equal(w, deadline, ended().Add(0))
	})
}

// Case 17: the server has expired the session while the connection is up.
func TestHardCase17_ExpiredWhileConnected(t *testing.T) {
	inWorld(t, func(w *world) {
		rec := new(record)
		p := w.process(rec.hook)
		s := p.session()
		h := p.enter("/locks/a")
		w.Srv.Expire(s.ID())
		next := p.next(s)
		require.NotEqual(w, s.ID(), next.ID())
		require.ErrorIs(w, h.Err(), core.ErrLost)
		require.ErrorIs(w, s.Err(), core.ErrExpired)
		synctest.Wait()
		states := rec.stateList()
		require.Equal(w, core.Connected, states[len(states)-1])
		require.Contains(w, states, core.Lost)
	})
}

// Case 18: expiry again and again; each time there is a new session, and no
// spinning.
func TestHardCase18_ExpiredAgainAndAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		w.Srv.ResetCounts()
		seen := make(map[int64]bool)
		s := p.session()
		for range 50 {
			require.False(w, seen[s.ID()])
			seen[s.ID()] = true
			w.Srv.Expire(s.ID())
			s = p.next(s)
		}
		require.LessOrEqual(w, w.Srv.Count(zktest.OpConnect), 110, "one handshake tells of the expiry, one opens the next")
	})
}

// Case 20: the granted timeout counts, not the requested one.
func TestHardCase20_GrantedTimeoutRules(t *testing.T) {
	for _, c := range []struct{ ask, granted time.Duration }{
		{time.Minute, 12 * time.Second},
		{time.Second, 6 * time.Second},
	} {
		inWorld(t, func(w *world) {
			p := w.process(timeout(c.ask))
			require.Equal(w, c.granted, p.session().Timeout())
			h := p.enter("/locks/a")
			ended := stopwatch(h.Context())
			time.Sleep(time.Minute)
			p.link.Cut(zktest.Both)
			w.endedBefore(h, ended, c.granted/4)
		}, zktest.SessionTimeouts(6*time.Second, 12*time.Second))
	}
}

// Case 21: used before there is any server.
func TestHardCase21_DialBeforeThereIsAServer(t *testing.T) {
	inWorld(t, func(w *world) {
		link := w.Srv.Link()
		link.Refuse(true)
		_, err := core.Dial(w.Within(time.Minute), core.Config{Servers: []string{"zk1"}, Dialer: link.DialContext})
		require.ErrorIs(w, err, core.ErrUnreachable)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorContains(w, err, "zk1:2181")

		// The server comes up while Dial waits.
		time.AfterFunc(30*time.Second, func() { link.Refuse(false) })
		sm, err := core.Dial(w.Within(time.Minute), core.Config{Servers: []string{"zk1"}, Dialer: link.DialContext})
		require.NoError(w, err)
		require.NoError(w, sm.Close())
	})
}

// Case 22 at this level: a node of the old session is not ours.
func TestHardCase22_OldNodeIsNotOurs(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		s := p.session()
		p.link.Cut(zktest.Both)
		<-s.Done()
		p.link.Heal()
		next := p.next(s)
		_, standing := w.Srv.Node(h.Path())
		require.True(w, standing, "the server has not expired the old session yet")
		n, err := next.Own(h.Path())
		require.NoError(w, err)
		_, err = n.Watch(w.Context())
		require.ErrorIs(w, err, core.ErrDeleted)
		_, err = n.Hold(w.Context(), 1)
		require.ErrorIs(w, err, core.ErrDeleted)
	})
}

// Case 29: both loss policies.
func TestHardCase29_LossPolicies(t *testing.T) {
	for name, c := range map[string]struct {
		policy func(*core.Config)
		lost   bool
	}{
		"AtDeadline":   {func(*core.Config) {}, false},
		"OnDisconnect": {strict, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process(c.policy)
				s := p.session()
				h := p.enter("/locks/a")
				time.Sleep(time.Minute)
				p.link.Disconnect()
				time.Sleep(time.Second)
				if c.lost {
					require.ErrorIs(w, h.Err(), core.ErrDisconnected)
					require.ErrorIs(w, h.Err(), core.ErrLost)
					require.ErrorIs(w, h.Release(), core.ErrDisconnected)
					require.Empty(w, w.standing("/locks/a"), "Release removes the node that still stood")
				} else {
					require.NoError(w, h.Err())
				}
				require.Equal(w, s.ID(), p.session().ID(), "the session survives in either case")
				h = p.enter("/locks/a")
				time.Sleep(time.Minute)
				require.NoError(w, h.Err(), "a hold that begins after the reconnection is not concerned")
			})
		})
	}
}

// Case 30: the server comes back empty, and knows neither our session nor any
// zxid as high as the client's.
func TestHardCase30_WipedServer(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		for range 100 {
			require.NoError(w, p.enter("/locks/a").Release())
		}
		s := p.session()
		h := p.enter("/locks/a")
		w.Srv.Wipe()
		next := p.next(s)
		require.ErrorIs(w, h.Err(), core.ErrLost)
		_, err := next.Enter(w.Context(), "/locks/a", "lock-", nil)
		require.NoError(w, err)
	})
}

// Case 39: deadlines are monotonic clock readings, which a wall clock that is
// set does not move. A bubble's clock has no such reading, so this one runs
// outside.
func TestHardCase39_DeadlineIsMonotonic(t *testing.T) {
	srv := zktest.New(t)
	sm, err := core.Dial(t.Context(), core.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
	require.NoError(t, err)
	defer sm.Close()
	s, err := sm.Session(t.Context())
	require.NoError(t, err)
	require.Zero(t, s.TrustedUntil(), "a handshake proves nothing")
	_, err = s.Create(t.Context(), "/a", nil, core.Ephemeral)
	require.NoError(t, err)
	require.Contains(t, s.TrustedUntil().String(), " m=")
}
