package core_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// endedBefore requires that the hold's context ended before the server removed
// its node, and earlier by at least the Manager's margin.
func (w *world) endedBefore(h *core.Hold, endedAt func() time.Time, margin time.Duration) {
	w.Helper()
	gone := w.deletedAt(h.Path())
	end := endedAt()
	require.False(w, end.IsZero(), "the node went, and the context did not end")
	require.GreaterOrEqual(w, gone.Sub(end), margin, "context ended %v before the node", gone.Sub(end))
}

// stopwatch notes when a context ends.
func stopwatch(ctx context.Context) (at func() time.Time) {
	var mu sync.Mutex
	var end time.Time
	context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		end = time.Now()
	})
	return func() time.Time {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return end
	}
}

// TestTrust has a case for each situation in which a client does not learn that
// its session is about to expire. The default timeout is 10 s, so the margin is
// 2.5 s.
func TestTrust(t *testing.T) {
	const margin = 2500 * time.Millisecond
	cases := []struct {
		name string
		cut  func(w *world, p *process)
	}{
		{"full partition", func(w *world, p *process) { p.link.Cut(zktest.Both) }},
		{"our frames vanish", func(w *world, p *process) { p.link.Cut(zktest.ToServer) }},
		{"their frames vanish", func(w *world, p *process) { p.link.Cut(zktest.ToClient) }},
		{"our frames vanish while watch events arrive", func(w *world, p *process) {
			p.watchChatter()
			p.link.Cut(zktest.ToServer)
		}},
		{"the connection breaks and servers hang in the handshake", func(w *world, p *process) {
			w.Srv.HangHandshakes(true)
			p.link.Disconnect()
		}},
		{"the connection breaks and nobody listens", func(w *world, p *process) {
			p.link.Refuse(true)
			p.link.Disconnect()
		}},
		{"the server hangs on one request", func(w *world, p *process) {
			w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Session == p.session().ID() {
					return zktest.DropRequest.Silent()
				}
				return zktest.Action{}
			}))
			p.link.Cut(zktest.ToServer)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for i := 0; i < 20; i += testworld.Sized(3, 1) {
				inWorld(t, func(w *world) {
					p := w.process()
					h := p.enter("/locks/a")
					ended := stopwatch(h.Context())
					// Cut at another phase between two pings each time.
					time.Sleep(time.Minute + time.Duration(i)*173*time.Millisecond)
					require.NoError(w, h.Err())
					c.cut(w, p)
					w.endedBefore(h, ended, margin)
					require.ErrorIs(w, h.Err(), core.ErrTrustElapsed)
					require.ErrorIs(w, h.Err(), core.ErrLost)
					require.ErrorIs(w, h.Release(), core.ErrTrustElapsed)
				})
			}
		})
	}
}

// watchChatter makes watch events arrive ten times a second from now on.
func (p *process) watchChatter() {
	w := p.w
	ctx := w.Context()
	for i := range 600 {
		path := fmt.Sprintf("/chatter/%03d", i)
		require.NoError(w, w.Srv.Put(path, nil))
		_, _, watch, err := p.session().GetW(ctx, path)
		require.NoError(w, err)
		timer := time.AfterFunc(time.Duration(i)*100*time.Millisecond, func() {
			if err := w.Srv.Put(path, []byte("x")); err != nil {
				w.Errorf("write %s: %v", path, err)
			}
		})
		w.Cleanup(func() { timer.Stop() }) // before the server is closed
		_ = watch
	}
}

// TestTrustDelayedReply delays an answer, in the longest case by almost the
// whole timeout, while watch events keep the connection busy. The answer proves
// only that the servers knew the session when the request was written, so the
// deadline must not count from its arrival.
func TestTrustDelayedReply(t *testing.T) {
	const window = 10*time.Second - 10*time.Second*5/12 // of trust, with the default margin
	for _, delay := range []time.Duration{3 * time.Second, 5500 * time.Millisecond, 9500 * time.Millisecond} {
		inWorld(t, func(w *world) {
			p := w.process()
			h := p.enter("/locks/a")
			ended := stopwatch(h.Context())
			time.Sleep(time.Minute)
			p.watchChatter()
			s := p.session()
			w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Session == s.ID() && r.Op == zktest.OpSetData {
					return zktest.Delay(delay)
				}
				return zktest.Pass
			}))
			sent := time.Now()
			go s.Set(w.Context(), h.Path(), nil, core.AnyVersion) // heard at once, answered late
			synctest.Wait()
			p.link.Cut(zktest.ToServer)
			<-h.Done()
			require.LessOrEqual(w, time.Since(sent), window)
			require.LessOrEqual(w, s.TrustedUntil().Sub(sent), window)
			w.endedBefore(h, ended, 10*time.Second-window)
		})
	}
}

// TestTrustNeedsTheQuorum connects a holder to a server that has lost its
// leader. The server answers pings and reads until it notices. Meanwhile the
// leader gets no messages of the session and expires it.
func TestTrustNeedsTheQuorum(t *testing.T) {
	for _, behind := range []bool{false, true} { // whether what follows a write waits behind it
		inWorld(t, func(w *world) {
			act := zktest.DropRequest.Silent()
			if behind {
				act = zktest.Hold(make(chan struct{}))
			}
			p := w.process()
			h := p.enter("/locks/a")
			ended := stopwatch(h.Context())
			time.Sleep(time.Minute)
			require.NoError(w, h.Err())
			s := p.session()
			w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				switch r.Op {
				case zktest.OpPing, zktest.OpGetData, zktest.OpExists, zktest.OpGetChildren2:
					return zktest.Pass
				}
				return act
			}))
			lost := time.Now()
			var wg sync.WaitGroup
			wg.Go(func() { // reads are answered, and prove nothing
				for s.Err() == nil {
					_, _, _ = s.Exists(w.Context(), "/")
					time.Sleep(time.Second)
				}
			})
			<-h.Done()
			wg.Wait()
			require.ErrorIs(w, h.Err(), core.ErrTrustElapsed)
			require.Less(w, ended().Sub(lost), 10*time.Second-10*time.Second/3, "the leader may count from the ping before")
			w.Srv.Disconnect(s.ID())
		})
	}
}

// TestTrustSurvivesBlip: a hold outlives a disconnection that ends before the
// trust deadline, and the deadline moves on.
func TestTrustSurvivesBlip(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		time.Sleep(time.Minute)
		for range 50 {
			p.link.Refuse(true)
			p.link.Disconnect()
			// At the least a quarter of the timeout is left when a connection
			// breaks: enough for this second, and the pause of up to another
			// before the server is dialled again.
			time.Sleep(time.Second)
			p.link.Refuse(false)
			time.Sleep(3 * time.Second)
			require.NoError(w, h.Err())
			require.Greater(w, time.Until(h.Deadline()), 2*time.Second)
		}
		require.NoError(w, h.Release())
	})
}

// TestTrustRandomFaults injects random faults into ten holders for an hour
// each. Each context ends before its node is removed.
func TestTrustRandomFaults(t *testing.T) {
	for seed := range uint64(testworld.Sized(4, 25)) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			inWorld(t, func(w *world) { randomFaults(w, rand.New(rand.NewPCG(seed, 1))) },
				zktest.SessionTimeouts(time.Second, time.Minute))
		})
	}
}

func randomFaults(w *world, rng *rand.Rand) {
	p := w.process(timeout(time.Duration(1+rng.IntN(30)) * time.Second))
	stop := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(w.Context(), stop)
	defer cancel()
	holds, lost := 0, 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			s, err := p.Session(ctx)
			if err != nil {
				return
			}
			e, err := s.Enter(ctx, "/locks/a", "lock-", nil)
			if err != nil {
				continue // the session ended meanwhile
			}
			h, err := e.Hold(ctx, e.Dir.Pzxid)
			if err != nil {
				e.Abandon()
				continue
			}
			holds++
			remove := w.Srv.OnChange(func(c zktest.Change) {
				if c.Kind == zktest.Deleted && c.Path == h.Path() && h.Context().Err() == nil {
					w.Errorf("%s was given away while its context lived", h.Path())
				}
			})
			select {
			case <-h.Done():
				lost++
			case <-ctx.Done():
			}
			if err := h.Release(); err != nil && !errors.Is(err, core.ErrLost) {
				w.Errorf("release: %v", err)
			}
			remove()
		}
	})
	for time.Now().Before(stop) {
		time.Sleep(time.Duration(rng.ExpFloat64() * float64(20*time.Second)))
		switch rng.IntN(8) {
		case 0:
			p.link.Cut(zktest.ToServer)
		case 1:
			p.link.Cut(zktest.ToClient)
		case 2:
			p.link.Cut(zktest.Both)
		case 3:
			p.link.Disconnect()
		case 4:
			p.link.Refuse(true)
		case 5:
			w.Srv.HangHandshakes(true)
			p.link.Disconnect()
		case 6:
			p.link.Delay(time.Duration(rng.Int64N(int64(3 * time.Second))))
		case 7:
			w.Srv.Freeze()
		}
		time.Sleep(time.Duration(rng.ExpFloat64() * float64(10*time.Second)))
		p.link.Heal()
		p.link.Refuse(false)
		p.link.Delay(0)
		w.Srv.HangHandshakes(false)
		w.Srv.Thaw()
	}
	wg.Wait()
	require.Positive(w, holds, "a test in which nothing is held shows nothing")
	w.Logf("%d holds, %d lost", holds, lost)
}

// TestNothingCrossesGenerations is the regression test of the client
// underneath: it sent a Set and an ephemeral create from a time without a
// connection in the next session, and returned no error.
func TestNothingCrossesGenerations(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/config", []byte("v0")))
		p := w.process()
		s := p.session()
		time.Sleep(time.Minute)
		p.link.Cut(zktest.ToServer)
		errs := make(chan error, 40)
		for i := range 20 { // more than the queue of the client alone takes
			go func() {
				_, err := s.Set(w.Context(), "/config", []byte("written by a stale holder"), core.AnyVersion)
				errs <- err
			}()
			go func() {
				_, err := s.Create(w.Context(), fmt.Sprintf("/stray-%d", i), nil, core.Ephemeral)
				errs <- err
			}()
		}
		<-s.Done()
		time.Sleep(time.Minute) // the server expires it
		p.link.Heal()           // what was held arrives, in the old connection
		next := p.session()
		time.Sleep(time.Minute)
		for range cap(errs) {
			err := <-errs
			// Known to be undone, because it was never sent, or not known.
			require.True(w, errors.Is(err, core.ErrSessionEnded) || errors.Is(err, core.ErrUnknownOutcome), "%v", err)
		}
		n, ok := w.Srv.Node("/config")
		require.True(w, ok)
		require.Equal(w, "v0", string(n.Data))
		require.Equal(w, []string{"/config"}, w.Srv.Paths())
		require.NotEqual(w, s.ID(), next.ID())
		_, err := next.Set(w.Context(), "/config", []byte("v1"), 0)
		require.NoError(w, err)
	})
}

// oneHost is a zk.HostProvider that never reports that all servers were tried:
// requests wait for a connection.
type oneHost struct{}

func (oneHost) Init([]string) error  { return nil }
func (oneHost) Len() int             { return 1 }
func (oneHost) Next() (string, bool) { return "zk1:2181", false }
func (oneHost) Connected()           {}

// TestClientAloneCrossesGenerations shows that the test above would fail
// without the sealed dialer: the bare client does send the requests in the next
// session.
func TestClientAloneCrossesGenerations(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/config", []byte("v0")))
		link := w.Srv.Link()
		conn, events, err := zk.Connect([]string{"zk1"}, 10*time.Second, zk.WithDialer(link.Dial),
			zk.WithHostProvider(oneHost{}), zk.WithLogger(quiet{}))
		require.NoError(w, err)
		defer func() {
			conn.Close()
			for range events {
			}
		}()
		time.Sleep(time.Minute)
		old := conn.SessionID()
		link.Cut(zktest.Both)
		link.Disconnect()
		time.Sleep(time.Second)
		done := make(chan error, 1)
		go func() {
			_, err := conn.Set("/config", []byte("written by a stale holder"), -1)
			done <- err
		}()
		time.Sleep(time.Minute)
		link.Heal()
		require.NoError(w, <-done)
		require.NotEqual(w, old, conn.SessionID())
	})
}
