//go:build unix

package interop

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/recipes_test/peers"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { ensemble.Main(m, peers.Clean) }

// timeout is the session timeout of peers and doomed processes. It is short,
// because tests wait for the sessions of killed processes to end. lasting is
// the timeout of all other sessions. No test expects them to end: a busy
// machine must not end them.
const (
	timeout = 4 * time.Second
	lasting = 30 * time.Second
)

// patience is the maximum wait for an event that must happen, not a measure of
// speed.
const patience = 3 * time.Minute

// world is the environment of a test: three real servers of its own. Tests run
// in parallel, because they mostly wait for the sessions of killed processes.
type world struct {
	*testing.T
	servers []string
}

func inWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	return &world{t, ensemble.Start(t, 3).Addrs()}
}

// part runs a part of the test on the same servers. It uses peers that the test
// has started as w.
func (w *world) part(name string, f func(w *world)) {
	w.Run(name, func(t *testing.T) { f(&world{t, w.servers}) })
}

func (w *world) curator() *peers.Peer {
	w.Helper()
	return peers.Curator(w, strings.Join(w.servers, ","), timeout)
}

func (w *world) kazoo() *peers.Peer {
	w.Helper()
	return peers.Kazoo(w, strings.Join(w.servers, ","), timeout)
}

// docent opens a session of Docent.
func (w *world) docent() *session.Manager {
	w.Helper()
	return ensemble.Dial(w, patience, session.Config{Servers: w.servers, Timeout: lasting})
}

// doomed opens a session of Docent that can be killed. Then no traffic reaches
// the servers, and the session expires.
func (w *world) doomed() (sm *session.Manager, kill func()) {
	w.Helper()
	dial, kill := mortal()
	return ensemble.Dial(w, patience, session.Config{Servers: w.servers, Timeout: timeout, Dialer: dial}), kill
}

// mortal returns a dialer, and a function that kills the process that uses it:
// all connections break, and there is never another one.
func mortal() (dial func(ctx context.Context, network, address string) (net.Conn, error), kill func()) {
	var mu sync.Mutex
	var dead bool
	conns := make(map[net.Conn]bool)
	dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		if dead {
			return nil, errors.Join(errDead, conn.Close())
		}
		conns[conn] = true
		return conn, nil
	}
	return dial, func() {
		mu.Lock()
		defer mu.Unlock()
		dead = true
		for conn := range conns {
			_ = conn.Close() // some may be closed already
		}
	}
}

var errDead = errors.New("the process is dead")

// bare opens a session of go-zookeeper, for its own lock.
func (w *world) bare() *zk.Conn {
	w.Helper()
	conn, _ := w.doomedBare()
	return conn
}

// doomedBare opens a session of go-zookeeper that can be killed.
func (w *world) doomedBare() (conn *zk.Conn, kill func()) {
	w.Helper()
	dial, kill := mortal()
	conn, events, err := zk.Connect(w.servers, timeout, zk.WithLogInfo(false), zk.WithLogger(quiet{}),
		zk.WithDialer(func(network, address string, within time.Duration) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(context.Background(), within)
			defer cancel()
			return dial(ctx, network, address)
		}))
	require.NoError(w, err)
	for event := range events {
		if event.State == zk.StateHasSession {
			break
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for range events {
		}
	}()
	w.Cleanup(func() {
		conn.Close()
		<-drained
	})
	return conn, kill
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func (w *world) within(d time.Duration) context.Context { return ensemble.Within(w, d) }

// settles fails the test unless ok holds within patience. It calls ok
// repeatedly.
func (w *world) settles(what string, ok func() bool) {
	w.Helper()
	ensemble.Eventually(w, patience, what, ok)
}

// ms is a duration in the peers' unit.
func ms(d time.Duration) int64 { return d.Milliseconds() }

// pending is a call under way.
type pending[T any] struct {
	done  chan struct{}
	value T
	err   error
}

func later[T any](f func() (T, error)) *pending[T] {
	p := &pending[T]{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.value, p.err = f()
	}()
	return p
}

// get waits for the result: a ctx bounds the call.
func (p *pending[T]) get() (T, error) {
	<-p.done
	return p.value, p.err
}

func (p *pending[T]) waiting() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}
