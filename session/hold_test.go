package session_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestHoldEndsWithRelease(t *testing.T) {
	inWorld(t, func(w *world) {
		rec := new(record)
		p := w.process(rec.hook)
		h := p.enter("/locks/a")
		time.Sleep(time.Minute)
		require.NoError(w, h.Err())
		require.NoError(w, h.Context().Err())
		require.NoError(w, h.Release())
		require.ErrorIs(w, h.Err(), session.ErrReleased)
		require.ErrorIs(w, context.Cause(h.Context()), session.ErrReleased)
		require.NotErrorIs(w, h.Err(), session.ErrLost)
		require.Empty(w, w.standing("/locks/a"), "the node is gone when Release returns")
		synctest.Wait()
		rec.mu.Lock()
		defer rec.mu.Unlock()
		require.Len(w, rec.begun, 1)
		require.Len(w, rec.ended, 1)
		require.Equal(w, time.Minute, rec.ended[0].Held)
		require.Equal(w, h.Token(), rec.ended[0].Token)
	})
}

// The context ends before the delete is sent, so that nobody can hold while it
// lives.
func TestReleaseEndsContextFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		w.Cleanup(w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpDelete && h.Context().Err() == nil {
				w.Errorf("the delete came while the context lived")
			}
			return zktest.Pass
		}))
		require.NoError(w, h.Release())
	})
}

// Release may be called twice, late, concurrently and after the loss.
func TestReleaseIsIdempotent(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		w.srv.ResetCounts()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := h.Release(); err != nil {
					w.Errorf("release: %v", err)
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Hour)
		require.NoError(w, h.Release())
		require.Equal(w, 1, w.srv.Count(zktest.OpDelete))

		h = p.enter("/locks/a")
		require.NoError(w, w.srv.Remove(h.Path()))
		<-h.Done()
		for range 3 {
			err := h.Release()
			require.ErrorIs(w, err, session.ErrDeleted)
			require.ErrorIs(w, err, session.ErrLost)
		}
		require.Equal(w, 1, w.srv.Count(zktest.OpDelete), "there was nothing to delete")

		h = p.enter("/locks/a")
		require.NoError(w, p.Close())
		require.ErrorIs(w, h.Release(), session.ErrClosed)
		require.ErrorIs(w, h.Release(), session.ErrLost)
	})
}

// Case 12: the delete of our node fails on release, again and again.
func TestHardCase12_DeleteFailsOnRelease(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		n := 0
		w.Cleanup(w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op != zktest.OpDelete {
				return zktest.Pass
			}
			switch n++; {
			case n <= 3:
				return zktest.DropRequest
			case n == 4:
				return zktest.LoseReply // done; the next finds nothing
			}
			return zktest.Pass
		}))
		require.NoError(w, h.Release())
		require.Empty(w, w.standing("/locks/a"))
		require.Equal(w, 5, n)
	})
}

// Case 12, for good: while no server answers, Release returns at the latest
// when the session has ended, which removes the node.
func TestHardCase12_ReleaseWithoutServer(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		time.Sleep(time.Minute)
		p.link.Cut(zktest.Both)
		before := time.Now()
		require.NoError(w, h.Release())
		require.Less(w, time.Since(before), 10*time.Second)
		w.deletedAt(h.Path())
	})
}

// Cases 14 and 19: cut off, a holder is told before the server gives its node
// away, although nobody can tell it. (TestTrust has the variants.)
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
		w.srv.Expire(s.ID())
		next := p.next(s)
		require.NotEqual(w, s.ID(), next.ID())
		require.ErrorIs(w, h.Err(), session.ErrLost)
		require.ErrorIs(w, s.Err(), session.ErrExpired)
		synctest.Wait()
		states := rec.stateList()
		require.Equal(w, session.Connected, states[len(states)-1])
		require.Contains(w, states, session.Lost)
	})
}

// Case 18: expiry again and again; each time there is a new session, and no
// spinning.
func TestHardCase18_ExpiredAgainAndAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		w.srv.ResetCounts()
		seen := make(map[int64]bool)
		s := p.session()
		for range 50 {
			require.False(w, seen[s.ID()])
			seen[s.ID()] = true
			w.srv.Expire(s.ID())
			s = p.next(s)
		}
		require.LessOrEqual(w, w.srv.Count(zktest.OpConnect), 110, "one handshake tells of the expiry, one opens the next")
	})
}

// Case 20: the granted timeout rules, not the one that was asked for.
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
		}, zktest.WithSessionTimeouts(6*time.Second, 12*time.Second))
	}
}

// Case 21: used before there is any server.
func TestHardCase21_DialBeforeThereIsAServer(t *testing.T) {
	inWorld(t, func(w *world) {
		link := w.srv.Link()
		link.Refuse(true)
		_, err := session.Dial(w.within(time.Minute), session.Config{Servers: []string{"zk1"}, Dialer: link.DialContext})
		require.ErrorIs(w, err, session.ErrUnreachable)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorContains(w, err, "zk1:2181")

		// The server comes up while Dial waits.
		time.AfterFunc(30*time.Second, func() { link.Refuse(false) })
		sm, err := session.Dial(w.within(time.Minute), session.Config{Servers: []string{"zk1"}, Dialer: link.DialContext})
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
		_, standing := w.srv.Node(h.Path())
		require.True(w, standing, "the server has not expired the old session yet")
		n, err := next.Own(h.Path())
		require.NoError(w, err)
		_, err = n.Watch(w.Context())
		require.ErrorIs(w, err, session.ErrDeleted)
		require.ErrorIs(w, n.Hold(1).Err(), session.ErrDeleted)
	})
}

// Case 29: both policies exist.
func TestHardCase29_LossPolicies(t *testing.T) {
	for name, c := range map[string]struct {
		policy func(*session.Config)
		lost   bool
	}{
		"AtDeadline":   {func(*session.Config) {}, false},
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
					require.ErrorIs(w, h.Err(), session.ErrDisconnected)
					require.ErrorIs(w, h.Err(), session.ErrLost)
					require.ErrorIs(w, h.Release(), session.ErrDisconnected)
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

// Case 30: the server comes back empty, and knows neither our session nor a
// zxid as high as we have seen.
func TestHardCase30_WipedServer(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		for range 100 {
			require.NoError(w, p.enter("/locks/a").Release())
		}
		s := p.session()
		h := p.enter("/locks/a")
		w.srv.Wipe()
		next := p.next(s)
		require.ErrorIs(w, h.Err(), session.ErrLost)
		_, err := next.Enter(w.Context(), "/locks/a", "lock-", nil)
		require.NoError(w, err)
	})
}

// Case 39: deadlines are monotonic clock readings, which a wall clock that is
// set does not move. A bubble's clock has no such reading, so this one runs
// outside.
func TestHardCase39_DeadlineIsMonotonic(t *testing.T) {
	srv := zktest.New(t)
	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
	require.NoError(t, err)
	defer sm.Close()
	s, err := sm.Session(t.Context())
	require.NoError(t, err)
	require.Contains(t, s.TrustedUntil().String(), " m=")
}

// A hold whose node is deleted by someone ends, however the news comes.
func TestHoldEndsWhenDeleted(t *testing.T) {
	delete := func(w *world, h *session.Hold) { require.NoError(w, w.srv.Remove(h.Path())) }
	t.Run("at once", func(t *testing.T) {
		inWorld(t, func(w *world) {
			h := w.process().enter("/locks/a")
			delete(w, h) // before the watch is set
			<-h.Done()
			require.ErrorIs(w, h.Err(), session.ErrDeleted)
		})
	})
	t.Run("later", func(t *testing.T) {
		inWorld(t, func(w *world) {
			h := w.process().enter("/locks/a")
			time.Sleep(time.Minute)
			delete(w, h)
			<-h.Done()
			require.ErrorIs(w, h.Err(), session.ErrDeleted)
		})
	})
	t.Run("after its data changed", func(t *testing.T) {
		inWorld(t, func(w *world) {
			h := w.process().enter("/locks/a")
			for range 10 {
				time.Sleep(time.Second)
				require.NoError(w, w.srv.Put(h.Path(), []byte("x")))
			}
			time.Sleep(time.Second)
			require.NoError(w, h.Err())
			delete(w, h)
			<-h.Done()
			require.ErrorIs(w, h.Err(), session.ErrDeleted)
		})
	})
	t.Run("while disconnected", func(t *testing.T) {
		inWorld(t, func(w *world) {
			p := w.process()
			h := p.enter("/locks/a")
			time.Sleep(time.Minute)
			p.link.Refuse(true)
			p.link.Disconnect()
			time.Sleep(time.Second)
			delete(w, h)
			p.link.Refuse(false)
			<-h.Done()
			require.ErrorIs(w, h.Err(), session.ErrDeleted)
		})
	})
	t.Run("together with its directory", func(t *testing.T) {
		inWorld(t, func(w *world) {
			h := w.process().enter("/locks/a")
			time.Sleep(time.Minute)
			require.NoError(w, w.srv.Remove("/locks"))
			<-h.Done()
			require.ErrorIs(w, h.Err(), session.ErrDeleted)
		})
	})
}

func TestGuard(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.srv.Put("/row", []byte("v0")))
		p, other := w.process(), w.process()
		h := p.enter("/locks/a")
		_, err := p.Txn(w.Context(), h.Guard(), session.SetOp("/row", []byte("v1"), session.AnyVersion))
		require.NoError(w, err)
		require.NoError(w, w.srv.Put(h.Path(), []byte("somebody wrote into the node")))
		_, err = other.Txn(w.Context(), h.Guard(), session.SetOp("/row", []byte("v2"), session.AnyVersion))
		require.NoError(w, err, "a guard holds in whatever session it is used")
		require.NoError(w, h.Release())
		_, err = other.Txn(w.Context(), h.Guard(), session.SetOp("/row", []byte("late"), session.AnyVersion))
		require.ErrorIs(w, err, session.ErrLost)
		require.ErrorIs(w, err, zk.ErrNoNode)
		n, _ := w.srv.Node("/row")
		require.Equal(w, "v2", string(n.Data))
	})
}

// Holds cost the server a node and a watch each, and this process no goroutine.
func TestManyHolds(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		var holds []*session.Hold
		for i := range 1000 {
			e, err := p.session().Enter(w.Context(), "/locks/"+string(rune('a'+i%26)), "lock-", nil)
			require.NoError(w, err)
			holds = append(holds, e.Hold(1))
		}
		synctest.Wait()
		require.Equal(w, 1000, w.srv.Watches())
		w.srv.Expire(p.session().ID())
		for _, h := range holds {
			<-h.Done()
			require.ErrorIs(w, h.Err(), session.ErrLost)
		}
	})
}

// Close ends holds before the server can hear of it, and the server removes
// the nodes at once.
func TestCloseEndsHoldsFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		w.Cleanup(w.srv.OnChange(func(c zktest.Change) {
			if c.Kind == zktest.Deleted && c.Path == h.Path() && h.Context().Err() == nil {
				w.Errorf("the node went while the context lived")
			}
		}))
		before := time.Now()
		require.NoError(w, p.Close())
		require.NoError(w, p.Close())
		require.ErrorIs(w, h.Err(), session.ErrClosed)
		_, ok := w.deletion(h.Path())
		require.True(w, ok)
		require.Less(w, time.Since(before), 5*time.Second)
		_, err := p.Session(w.Context())
		require.ErrorIs(w, err, session.ErrClosed)
		require.Equal(w, session.Closed, p.State())
	})
}

// Close returns although no server answers.
func TestCloseWithoutServer(t *testing.T) {
	for name, cut := range map[string]func(w *world, p *process){
		"cut off":      func(_ *world, p *process) { p.link.Cut(zktest.Both) },
		"disconnected": func(_ *world, p *process) { p.link.Refuse(true); p.link.Disconnect(); time.Sleep(time.Second) },
		"frozen":       func(w *world, _ *process) { w.srv.Freeze() },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process()
				h := p.enter("/locks/a")
				time.Sleep(time.Minute)
				cut(w, p)
				before := time.Now()
				require.NoError(w, p.Close())
				require.Less(w, time.Since(before), 20*time.Second)
				require.ErrorIs(w, h.Err(), session.ErrClosed)
				w.srv.Thaw()
			})
		})
	}
}

func TestReleaseErrorNamesTheNode(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		w.Cleanup(w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpDelete {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		}))
		err := h.Release()
		require.ErrorIs(w, err, zk.ErrNoAuth)
		require.ErrorContains(w, err, h.Path())
		var op *session.OpError
		require.True(w, errors.As(err, &op))
	})
}
