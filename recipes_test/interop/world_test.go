//go:build unix

package interop

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/recipes_test/peers"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := peers.Clean(); err != nil {
		fmt.Fprintln(os.Stderr, "removing the peers:", err)
		code = max(code, 1)
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines outlive the tests:", err)
		code = 1
	}
	os.Exit(code)
}

// timeout is that of all sessions: short, since tests wait for the end of the sessions of those they kill.
const timeout = 4 * time.Second

// patience is how long a test waits for what must happen; it is no measure of how fast it does.
const patience = time.Minute

// world is what one test plays in: three real servers.
type world struct {
	*testing.T
	servers []string
}

func inWorld(t *testing.T) *world {
	t.Helper()
	ensemble.RequireZooKeeper(t)
	return &world{t, ensemble.Start(t, 3).Addrs()}
}

func (w *world) curator() *peers.Peer {
	w.Helper()
	return peers.Curator(w, strings.Join(w.servers, ","), timeout)
}

func (w *world) kazoo() *peers.Peer {
	w.Helper()
	return peers.Kazoo(w, strings.Join(w.servers, ","), timeout)
}

// docent is a process of ours.
func (w *world) docent() *session.Manager {
	w.Helper()
	sm, err := session.Dial(w.within(patience), session.Config{Servers: w.servers, Timeout: timeout})
	require.NoError(w, err)
	w.Cleanup(func() { _ = sm.Close() })
	return sm
}

// bare is a client of go-zookeeper, for its own lock.
func (w *world) bare() *zk.Conn {
	w.Helper()
	conn, events, err := zk.Connect(w.servers, timeout, zk.WithLogInfo(false), zk.WithLogger(quiet{}))
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
	return conn
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func (w *world) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(w.Context(), d)
	w.Cleanup(cancel)
	return ctx
}

// settles fails the test unless ok holds within patience. It asks again and again.
func (w *world) settles(what string, ok func() bool) {
	w.Helper()
	require.Eventually(w, ok, patience, 50*time.Millisecond, what)
}

// ms is a duration as the peers take it.
func ms(d time.Duration) int64 { return d.Milliseconds() }
