package core_test

import (
	"context"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// ensemble is three servers of one tree, each with a path of its own.
type ensemble struct {
	links map[string]*zktest.Link

	mu      sync.Mutex
	dialled []string
	instead func(addr string, conn net.Conn) (net.Conn, error) // may be nil
}

func (w *world) ensemble() *ensemble {
	e := &ensemble{links: make(map[string]*zktest.Link)}
	for _, addr := range []string{"zk1:2181", "zk2:2181", "zk3:2181"} {
		e.links[addr] = w.Srv.Link()
	}
	return e
}

func (e *ensemble) use(cfg *core.Config) {
	cfg.Servers = []string{"zk1", "zk2", "zk3"}
	cfg.Dialer = e.dial
}

func (e *ensemble) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	e.mu.Lock()
	e.dialled = append(e.dialled, addr)
	instead := e.instead
	e.mu.Unlock()
	conn, err := e.links[addr].DialContext(ctx, network, addr)
	if err != nil || instead == nil {
		return conn, err
	}
	return instead(addr, conn)
}

// take returns the addresses dialled since the last call, in order.
func (e *ensemble) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	dialled := e.dialled
	e.dialled = nil
	return dialled
}

func (e *ensemble) replace(f func(addr string, conn net.Conn) (net.Conn, error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.instead = f
}

// limitedConn ends a connection after a number of bytes from the server.
type limitedConn struct {
	net.Conn
	left int
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// A server is dialled last after any kind of failure, so that a hold outlives a
// server that hangs.
func TestFault11_FailedServerComesLast(t *testing.T) {
	const helloReply = 4 + 37
	for name, fail := range map[string]func(e *ensemble, bad string){
		"silent": func(e *ensemble, bad string) { e.links[bad].Cut(zktest.Both) },
		"refuses": func(e *ensemble, bad string) {
			e.links[bad].Refuse(true)
			e.links[bad].Disconnect()
		},
		"hangs in the handshake": func(e *ensemble, bad string) {
			e.replace(func(addr string, conn net.Conn) (net.Conn, error) {
				if addr == bad {
					e.links[bad].Cut(zktest.Both)
				}
				return conn, nil
			})
			e.links[bad].Disconnect()
		},
		"ends after the handshake": func(e *ensemble, bad string) {
			e.replace(func(addr string, conn net.Conn) (net.Conn, error) {
				if addr == bad {
					return &limitedConn{conn, helloReply}, nil
				}
				return conn, nil
			})
			e.links[bad].Disconnect()
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 40 {
				inWorld(t, func(w *world) {
					e := w.ensemble()
					p := w.process(e.use)
					h := p.enter("/locks")
					dialled := e.take()
					bad := dialled[len(dialled)-1]
					fail(e, bad)
					time.Sleep(time.Minute)
					dialled = e.take()
					require.NoError(w, h.Err(), "dialled %v after %s failed", dialled, bad)
					require.NotEmpty(w, dialled)
					require.NotEqual(w, bad, dialled[0])
				})
			}
		})
	}
}

// slowConn has the server's first answer arrive late.
type slowConn struct {
	net.Conn
	late time.Duration

	mu       sync.Mutex
	deadline time.Time
}

func (c *slowConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(t)
}

func (c *slowConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	late, deadline := c.late, c.deadline
	c.late = 0
	c.mu.Unlock()
	if left := time.Until(deadline); !deadline.IsZero() && left < late {
		time.Sleep(left)
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(late)
	return c.Conn.Read(p)
}

// A server that needs 2 s to open a session gives one nevertheless, after a few
// attempts. The next failure begins with the initial patience.
func TestFault12_SlowHandshake(t *testing.T) {
	inWorld(t, func(w *world) {
		var mu sync.Mutex
		var dialled []time.Time
		dials := func() []time.Time { mu.Lock(); defer mu.Unlock(); return slices.Clone(dialled) }
		slow := 2 * time.Second
		setSlow := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); slow = d }
		link := w.Srv.Link()
		cfg := core.Config{Servers: []string{"zk1"}, Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			mu.Lock()
			dialled = append(dialled, time.Now())
			late := slow
			mu.Unlock()
			conn, err := link.DialContext(ctx, network, addr)
			return &slowConn{Conn: conn, late: late}, err
		}}
		sm, err := core.Dial(w.Within(5*time.Minute), cfg)
		require.NoError(w, err, "%d dials", len(dials()))
		defer sm.Close()
		require.LessOrEqual(w, len(dials()), 2)
		require.LessOrEqual(w, len(w.Srv.Sessions()), 2, "sessions that were opened and not used")

		// The session outlives a lost connection, although that takes as long.
		s, err := sm.Session(w.Context())
		require.NoError(w, err)
		time.Sleep(time.Minute)
		link.Disconnect()
		time.Sleep(time.Minute)
		require.NoError(w, s.Err())
		require.Equal(w, core.Connected, sm.State())
		require.LessOrEqual(w, len(dials()), 4)

		// Success resets the patience.
		setSlow(0)
		link.Disconnect()
		time.Sleep(time.Minute)
		setSlow(time.Hour)
		before := len(dials())
		link.Disconnect()
		<-s.Done()
		all := dials()
		require.Greater(w, len(all), before+1)
		require.Less(w, all[before+1].Sub(all[before]), 2*time.Second)
	})
}

// A server that hangs in the handshake leaves the other servers their share of
// the session's remaining trust.
func TestFault12_HungServersLeaveTrustToTheRest(t *testing.T) {
	for range 20 {
		inWorld(t, func(w *world) {
			e := w.ensemble()
			p := w.process(e.use)
			h := p.enter("/locks")
			first := e.take()[0]
			hung := 0
			e.replace(func(addr string, conn net.Conn) (net.Conn, error) {
				if addr == first || hung == 0 { // the first that is dialled next hangs too
					hung++
					e.links[addr].Cut(zktest.Both)
				}
				return conn, nil
			})
			e.links[first].Cut(zktest.Both) // noticed after half of the timeout, a twelfth of it before the deadline
			time.Sleep(time.Minute)
			require.NoError(w, h.Err(), "dialled %v", e.take())
		})
	}
}

// A Dialer or a LookupHost that continues after the end of its context does not
// keep the session from other servers.
func TestFault16_DialerThatIgnoresItsContext(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.ensemble()
		p := w.process(e.use)
		h := p.enter("/locks")
		first := e.take()[0]
		stuck := make(chan struct{})
		var late closes
		e.replace(func(addr string, conn net.Conn) (net.Conn, error) {
			if addr == first {
				late.mu.Lock()
				late.open++
				late.mu.Unlock()
				<-stuck
				return &countedConn{conn, &late}, nil
			}
			return conn, nil
		})
		for range 3 { // at some time it is its turn
			for _, link := range e.links {
				link.Disconnect()
			}
			time.Sleep(time.Minute)
			require.NoError(w, h.Err())
		}
		require.NoError(w, p.Close())
		close(stuck)
		synctest.Wait()
		late.mu.Lock()
		defer late.mu.Unlock()
		require.Zero(w, late.open, "a connection that comes too late is closed")
	})
}

type closes struct {
	mu   sync.Mutex
	open int
}

type countedConn struct {
	net.Conn
	of *closes
}

func (c *countedConn) Close() error {
	c.of.mu.Lock()
	c.of.open--
	c.of.mu.Unlock()
	return c.Conn.Close()
}
