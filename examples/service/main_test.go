package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network connects clients and servers in memory, because a bubble of virtual
// time has no sockets.
type network struct {
	mu    sync.Mutex
	hosts map[string]*listener
}

// dial connects to the server at the address. Without a server it fails as if
// no process listened.
func (n *network) dial(_ context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.hosts[address]
	n.mu.Unlock()
	if l == nil {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	}
}

func (n *network) listen(address string) *listener {
	l := &listener{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[address] = l
	return l
}

type listener struct {
	address string
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return name(l.address) }

type name string

func (n name) Network() string { return "memory" }
func (n name) String() string  { return string(n) }

// server is a process that serves. Each call takes 300 ms, and a long one five
// seconds.
type server struct {
	*sessiontest.Process
	call     *sessiontest.Call
	listener *listener
}

func startServer(w *sessiontest.World, n *network, address string) *server {
	s := &server{Process: w.Process(), listener: n.listen(address)}
	s.call = w.Go(func(ctx context.Context) error {
		return serve(ctx, s.Manager, s.listener, 2*time.Second, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if time.Sleep(300 * time.Millisecond); r.URL.Path == "/long" {
				time.Sleep(5 * time.Second)
			}
			fmt.Fprint(w, address)
		}))
	})
	return s
}

// kill ends the process as kill -9 does: its connections break, to clients and
// to ZooKeeper.
func (s *server) kill(n *network) {
	n.mu.Lock()
	delete(n.hosts, s.listener.address)
	n.mu.Unlock()
	s.Kill()
}

// client is a process that calls every 10 ms or so, and counts which server
// answers.
type client struct {
	*sessiontest.Process
	w        *sessiontest.World
	http     *http.Client
	mu       sync.Mutex
	answers  map[string]int
	failures []error // of whole calls
	attempts int     // of single calls that failed
}

// transport lets a test see each single call.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func startClient(w *sessiontest.World, n *network) *client {
	c := &client{Process: w.Process(), w: w, answers: make(map[string]int)}
	over := &http.Transport{DialContext: n.dial, DisableKeepAlives: true}
	c.http = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		resp, err := over.RoundTrip(r)
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.attempts++
		}
		return resp, err
	})}
	w.Go(func(ctx context.Context) error {
		return callEvery(ctx, c.Manager, c.http, 10*time.Millisecond, func(answer string, err error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if err != nil {
				c.failures = append(c.failures, err)
				return
			}
			c.answers[answer]++
		})
	})
	return c
}

// during returns how many calls each server answered within d, and checks that
// no call failed.
func (c *client) during(d time.Duration) map[string]int {
	c.w.Helper()
	c.mu.Lock()
	c.answers, c.failures, c.attempts = make(map[string]int), nil, 0
	c.mu.Unlock()
	time.Sleep(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Empty(c.w, c.failures)
	return maps.Clone(c.answers)
}

// tried returns how many single calls have failed since the last during.
func (c *client) tried() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.attempts
}

func TestCallsAreSpread(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		n := &network{hosts: make(map[string]*listener)}
		startServer(w, n, "h1:80")
		c := startClient(w, n)
		require.Len(t, c.during(3*time.Second), 1)
		startServer(w, n, "h2:80")
		got := c.during(6 * time.Second)
		require.InDelta(t, got["h1:80"], got["h2:80"], 2)
	})
}

// A server has to stop while clients call it. Not even a single attempt fails.
func TestAnOrderlyStopLosesNoCall(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		n := &network{hosts: make(map[string]*listener)}
		first := startServer(w, n, "h1:80")
		startServer(w, n, "h2:80")
		clients := []*client{startClient(w, n), startClient(w, n), startClient(w, n)}
		clients[1].Link.Delay(300 * time.Millisecond) // one client learns of changes late
		time.Sleep(time.Second)
		answer := ""
		long := w.Go(func(ctx context.Context) (err error) {
			answer, err = get(ctx, clients[0].http, "http://h1:80/long")
			return err
		})
		err := first.call.Cancel()
		require.NoError(t, err)
		require.False(t, long.Running(), "the server stops when it has finished its calls")
		require.NoError(t, long.Wait())
		require.Equal(t, "h1:80", answer)
		time.Sleep(3 * time.Second) // for the client that learns of it late
		for i, c := range clients {
			require.Zero(t, c.tried(), "client %d", i)
		}
		require.Equal(t, []string{"h2:80"}, w.Children("/services/"+serviceName))
		require.NotContains(t, clients[0].during(time.Second), "h1:80")
	})
}

// A server is killed: calls go to another one at once.
func TestAKilledServerIsPassedOver(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		n := &network{hosts: make(map[string]*listener)}
		first := startServer(w, n, "h1:80")
		startServer(w, n, "h2:80")
		c := startClient(w, n)
		c.during(time.Second)
		first.kill(n)
		c.during(time.Second) // a call that was under way is answered
		require.NotContains(t, c.during(19*time.Second), "h1:80")
		require.LessOrEqual(t, c.tried(), 3, "the killed server is tried every five seconds, until its session has expired")
		c.during(20 * time.Second)
		require.Zero(t, c.tried())
	})
}

// ZooKeeper is unreachable for longer than a session lasts. Clients continue,
// and afterwards the servers register again.
func TestCallsGoOnWithoutZooKeeper(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		n := &network{hosts: make(map[string]*listener)}
		startServer(w, n, "h1:80")
		second := startServer(w, n, "h2:80")
		c := startClient(w, n)
		c.during(time.Second)
		w.Server.Freeze()
		require.Len(t, c.during(time.Minute), 2)
		w.Server.Thaw()
		require.Len(t, c.during(time.Minute), 2)

		// Only one server is cut off. The others are called until it is back.
		second.Link.Cut(zktest.Both)
		c.during(15 * time.Second)
		require.Len(t, c.during(15*time.Second), 1)
		second.Link.Heal()
		c.during(15 * time.Second)
		require.Len(t, c.during(15*time.Second), 2)
	})
}

// Without a server all calls fail, and the client says so.
func TestNobodyServes(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		n := &network{hosts: make(map[string]*listener)}
		c := startClient(w, n)
		time.Sleep(time.Second)
		c.mu.Lock()
		require.ErrorContains(t, c.failures[0], "no instance is available")
		c.mu.Unlock()
		startServer(w, n, "h1:80")
		time.Sleep(time.Second)
		require.Len(t, c.during(time.Second), 1)
	})
}

// A broken listener ends the server with an error, and the server unregisters.
func TestServeReportsWhatEndsIt(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		n := &network{hosts: make(map[string]*listener)}
		s := startServer(w, n, "h1:80")
		require.NoError(t, s.listener.Close())
		err := s.call.Wait()
		require.ErrorIs(t, err, net.ErrClosed)
		require.Empty(t, w.Children("/services/"+serviceName))
	})
}
