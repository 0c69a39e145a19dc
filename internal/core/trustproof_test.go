package core_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// TestFault01_DeposedLeader cuts a holder's server, the leader, off from its
// quorum. The leader continues to answer. The holder's context ends before the
// new leader removes the node. The cut comes at any time between two pings. The
// holder may have to reconnect, and may send any requests meanwhile.
func TestFault01_DeposedLeader(t *testing.T) {
	for _, c := range []struct {
		name      string
		reconnect bool
		chatter   bool
	}{
		{"connected", false, false},
		{"connected, asking", false, true},
		{"connected anew", true, false},
		{"connected anew, asking", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range 20 {
				inWorld(t, func(w *world) {
					p := w.process()
					h := p.enter("/locks/a")
					ended := stopwatch(h.Context())
					time.Sleep(time.Minute + time.Duration(i)*173*time.Millisecond)
					require.NoError(w, h.Err())
					w.Srv.Depose(p.link)
					if c.reconnect {
						time.Sleep(time.Second)
						p.link.Disconnect()
					}
					if c.chatter {
						defer p.chatter(h)()
					}
					w.endedBefore(h, ended, 2500*time.Millisecond)
					require.ErrorIs(w, h.Err(), core.ErrTrustElapsed)
				})
			}
		})
	}
}

// chatter syncs and reads ten times a second until the hold ends, or until its
// result is called.
func (p *process) chatter(h *core.Hold) (stop func()) {
	until, cancel := context.WithCancel(h.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		s := h.Session()
		for until.Err() == nil {
			ctx, cancel := context.WithTimeout(until, time.Second)
			_ = s.Sync(ctx, "/") // whether it is answered is no matter here
			_, _, _ = s.Exists(ctx, "/")
			cancel()
			time.Sleep(100 * time.Millisecond)
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// TestFault01_WaiterOnADeposedLeader: a contender waits on the leader, and its
// predecessor has released when the leader is deposed. Reads show that its turn
// has come. No hold begins, because no quorum confirms that its node still
// exists.
func TestFault01_WaiterOnADeposedLeader(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		e, err := p.session().Enter(w.Context(), "/locks/a", "lock-", nil)
		require.NoError(w, err)
		time.Sleep(time.Minute)
		w.Srv.Depose(p.link)
		_, err = e.Hold(w.Within(5*time.Minute), e.Czxid)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		_, stands := w.Srv.Node(e.Path())
		require.False(w, stands, "the new leader has expired the session")
	})
}

// TestFault01_FindsTheQuorum: the holder's server has no quorum, but others
// have. The holder changes servers in time, and its hold lasts.
func TestFault01_FindsTheQuorum(t *testing.T) {
	for i := range 20 {
		inWorld(t, func(w *world) {
			stuck, well := w.Srv.Link(), w.Srv.Link()
			var mu sync.Mutex
			dials := 0
			p := w.process(func(cfg *core.Config) {
				cfg.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
					mu.Lock()
					defer mu.Unlock()
					dials++
					if dials == 1 {
						return stuck.DialContext(ctx, network, addr)
					}
					return well.DialContext(ctx, network, addr)
				}
			})
			h := p.enter("/locks/a")
			time.Sleep(time.Minute + time.Duration(i)*173*time.Millisecond)
			w.Srv.Depose(stuck)
			time.Sleep(time.Minute)
			require.NoError(w, h.Err())
			require.NoError(w, h.Release())
		})
	}
}

// TestFault01_IdleSessionsPingAlone: a session without holds sends only pings.
// A session with a hold has a check committed each third of its timeout, even
// while its writes prove the session, because the check names the held node.
// After the end of the hold it sends no checks.
func TestFault01_IdleSessionsPingAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		requests := func() (pings, checks, others int) {
			for op, n := range w.Srv.Counts() {
				switch op {
				case zktest.OpPing:
					pings += n
				case zktest.OpMulti:
					checks += n
				default:
					others += n
				}
			}
			return pings, checks, others
		}
		w.Srv.ResetCounts()
		time.Sleep(10 * time.Minute)
		pings, checks, others := requests()
		require.InDelta(w, 180, pings, 1)
		require.Zero(w, checks+others)

		h := p.enter("/locks/a")
		time.Sleep(time.Second)
		w.Srv.ResetCounts()
		time.Sleep(10 * time.Minute)
		pings, checks, others = requests()
		require.InDelta(w, 180, pings, 1)
		require.InDelta(w, 180, checks, 2)
		require.Zero(w, others)

		require.NoError(w, w.Srv.Put("/busy", nil))
		w.Srv.ResetCounts()
		for range 1200 {
			_, err := p.Set(w.Context(), "/busy", nil, core.AnyVersion)
			require.NoError(w, err)
			time.Sleep(time.Second / 2)
		}
		_, checks, _ = requests()
		require.InDelta(w, 180, checks, 2)

		require.NoError(w, h.Release())
		time.Sleep(time.Second)
		w.Srv.ResetCounts()
		time.Sleep(10 * time.Minute)
		_, checks, others = requests()
		require.Zero(w, checks+others)
	})
}

// TestFault01_WhatProves sends a leader every request that it answers alone,
// which does not move the deadline. Then it has a write committed.
func TestFault01_WhatProves(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/there", nil))
		p := w.process()
		s := p.session()
		require.Zero(w, s.TrustedUntil(), "a handshake proves nothing")
		path, err := s.Create(w.Context(), "/mine", nil, core.Ephemeral)
		require.NoError(w, err)
		proven := s.TrustedUntil()
		require.Equal(w, 10*time.Second-10*time.Second*5/12, time.Until(proven))

		ctx := w.Context()
		throttle := func() (undo func()) {
			return w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Op == zktest.OpSetData {
					return zktest.Fail(zktest.CodeSessionMoved)
				}
				return zktest.Pass
			})
		}
		for name, ask := range map[string]func(){
			"ping": func() { time.Sleep(10 * time.Second) },
			"read": func() {
				_, _, err := s.Get(ctx, path)
				require.NoError(w, err)
				_, _, err = s.Children(ctx, "/")
				require.NoError(w, err)
				_, _, err = s.Exists(ctx, "/none")
				require.NoError(w, err)
			},
			"sync":          func() { require.NoError(w, s.Sync(ctx, "/")) },
			"re-attachment": func() { p.link.Disconnect(); time.Sleep(5 * time.Second) },
			"a write that another server must do": func() {
				defer throttle()()
				_, err := s.Set(w.Within(time.Second), path, nil, core.AnyVersion) // repeated until its ctx ends
				require.Error(w, err)
			},
		} {
			ask()
			synctest.Wait()
			require.Equal(w, proven, s.TrustedUntil(), name)
		}

		for _, write := range []func() error{
			func() error { _, err := s.Set(ctx, path, nil, core.AnyVersion); return err },
			func() error { _, err := s.Set(ctx, path, nil, 17); return err },                // refused
			func() error { return s.Delete(ctx, "/none", core.AnyVersion) },                 // refused
			func() error { _, err := s.Create(ctx, path, nil, core.Ephemeral); return err }, // refused
			func() error { _, err := s.Txn(ctx, core.CheckOp(path, core.AnyVersion)); return err },
			func() error { _, err := s.Txn(ctx, core.CheckOp("/none", core.AnyVersion)); return err }, // refused
		} {
			p.link.Disconnect() // so that the leader has heard of the session lately
			time.Sleep(time.Second)
			at := time.Now()
			_ = write() // done or refused: both have been before a quorum
			require.Equal(w, at.Add(10*time.Second-10*time.Second*5/12), s.TrustedUntil())
		}
	})
}

// TestFault12_SlowQuorum: a quorum that takes more than a sixth of the timeout
// for each request costs no connection and no hold, with or without holds,
// because no ping waits for it.
func TestFault12_SlowQuorum(t *testing.T) {
	inWorld(t, func(w *world) {
		idle, holder := w.process(), w.process()
		h := holder.enter("/locks/a")
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			switch r.Op {
			case zktest.OpMulti, zktest.OpCreate, zktest.OpDelete, zktest.OpSetData, zktest.OpSync:
				return zktest.Delay(10*time.Second/6 + 100*time.Millisecond)
			}
			return zktest.Pass
		}))
		w.Srv.ResetCounts()
		time.Sleep(10 * time.Minute)
		require.Zero(w, w.Srv.Count(zktest.OpConnect), "no connection is given up")
		require.NoError(w, idle.session().Err())
		require.NoError(w, h.Err())
		require.NoError(w, h.Release())
	})
}

// If a server refuses each check, Confirm returns that error and does not wait
// for ever.
func TestConfirmReportsAServerThatFails(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMulti {
				return zktest.Fail(zktest.CodeSystemError)
			}
			return zktest.Pass
		})
		var code *core.CodeError
		require.ErrorAs(w, p.Confirm(w.Context(), "/"), &code)
		require.EqualValues(w, zktest.CodeSystemError, code.Code)
		remove()
		require.NoError(w, p.Confirm(w.Context(), "/none"))
	})
}

// otherSession is a network on which the servers do not recognise the session
// of a client that reconnects: it hides the id and the password from them.
type otherSession struct {
	net.Conn
	hello bool
}

func (c *otherSession) Write(p []byte) (int, error) {
	if !c.hello {
		c.hello = true
		p = append([]byte{}, p...)
		clear(p[20:28]) // the session's id, behind prefix, version, zxid and timeout
		clear(p[32:48]) // its password
	}
	return c.Conn.Write(p)
}

// TestFault02_AnotherSession: a server that answers a re-attachment with
// another session id does not know our session. The hold ends at once.
func TestFault02_AnotherSession(t *testing.T) {
	inWorld(t, func(w *world) {
		link := w.Srv.Link()
		p := w.process(func(cfg *core.Config) {
			dials := 0
			cfg.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
				inner, err := link.DialContext(ctx, network, addr)
				if dials++; dials == 2 && err == nil {
					inner = &otherSession{Conn: inner}
				}
				return inner, err
			}
		})
		h := p.enter("/locks/a")
		ended := stopwatch(h.Context())
		time.Sleep(time.Minute)
		back := time.Now()
		link.Disconnect()
		<-h.Done()
		require.ErrorIs(w, h.Err(), core.ErrExpired)
		require.Less(w, time.Since(back), time.Second)
		w.endedBefore(h, ended, time.Second)
		require.NotEqual(w, h.Session().ID(), p.session().ID())
	})
}

// slowClose is a network connection whose Close takes three seconds.
type slowClose struct{ net.Conn }

func (c slowClose) Close() error {
	time.Sleep(3 * time.Second)
	return c.Conn.Close()
}

// TestFault03_SlowClose: the contexts of holds end at the deadline, and under
// OnDisconnect with the connection, however slow its Close is.
func TestFault03_SlowClose(t *testing.T) {
	slow := func(link *zktest.Link) func(*core.Config) {
		return func(cfg *core.Config) {
			cfg.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
				inner, err := link.DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return slowClose{inner}, nil
			}
		}
	}
	t.Run("at the deadline", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.Cleanup(func() { time.Sleep(10 * time.Second) }) // the Manager's Close waits for a network for a second
			link := w.Srv.Link()
			p := w.process(slow(link))
			h := p.enter("/locks/a")
			ended := stopwatch(h.Context())
			time.Sleep(time.Minute)
			link.Cut(zktest.Both)
			w.endedBefore(h, ended, 2500*time.Millisecond)
			require.Equal(w, h.Deadline(), ended())
		})
	})
	t.Run("expired", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.Cleanup(func() { time.Sleep(10 * time.Second) }) // the Manager's Close waits for a network for a second
			p := w.process(slow(w.Srv.Link()))
			h := p.enter("/locks/a")
			time.Sleep(time.Minute)
			w.Srv.Expire(h.Session().ID())
			expired := time.Now()
			<-h.Done()
			require.Less(w, time.Since(expired), time.Second)
		})
	})
	t.Run("with the connection", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.Cleanup(func() { time.Sleep(10 * time.Second) }) // the Manager's Close waits for a network for a second
			link := w.Srv.Link()
			p := w.process(slow(link), strict)
			h := p.enter("/locks/a")
			time.Sleep(time.Minute)
			cut := time.Now()
			link.Disconnect()
			<-h.Done()
			require.Equal(w, cut, time.Now())
			require.ErrorIs(w, h.Err(), core.ErrDisconnected)
		})
	})
	t.Run("closed by its user", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.Cleanup(func() { time.Sleep(10 * time.Second) }) // the Manager's Close waits for a network for a second
			p := w.process(slow(w.Srv.Link()))
			h := p.enter("/locks/a")
			closed := time.Now()
			var wg sync.WaitGroup
			wg.Go(func() { p.Close() })
			<-h.Done()
			require.Equal(w, closed, time.Now())
			wg.Wait()
		})
	})
}
