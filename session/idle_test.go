package session_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// written is what a client writes to its connections, write by write.
type written struct {
	mu     sync.Mutex
	writes [][]byte
}

// clear forgets what was written, and returns it.
func (w *written) clear() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	writes := w.writes
	w.writes = nil
	return writes
}

type spiedConn struct {
	net.Conn
	to *written
}

func (c spiedConn) Write(p []byte) (int, error) {
	c.to.mu.Lock()
	c.to.writes = append(c.to.writes, slices.Clone(p))
	c.to.mu.Unlock()
	return c.Conn.Write(p)
}

// A session that holds nothing costs its server what a bare client's session costs: the
// same bytes in as many writes, and no probe.
func TestIdleSessionsWriteWhatABareClientWrites(t *testing.T) {
	const timeout = 4 * time.Second
	var minutes [2][][]byte
	for i, open := range []func(t *testing.T, dial func(network, addr string) (net.Conn, error)){
		func(t *testing.T, dial func(network, addr string) (net.Conn, error)) {
			sm, err := session.Dial(t.Context(), session.Config{
				Servers: []string{"127.0.0.1:2181"}, Timeout: timeout,
				Dialer: func(_ context.Context, network, addr string) (net.Conn, error) { return dial(network, addr) },
			})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, sm.Close()) })
		},
		func(t *testing.T, dial func(network, addr string) (net.Conn, error)) {
			conn, _, err := zk.Connect([]string{"127.0.0.1:2181"}, timeout, zk.WithLogInfo(false),
				zk.WithDialer(func(network, addr string, _ time.Duration) (net.Conn, error) { return dial(network, addr) }))
			require.NoError(t, err)
			t.Cleanup(conn.Close)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv, spy := zktest.New(t), &written{}
			open(t, func(network, addr string) (net.Conn, error) {
				conn, err := srv.Dial(network, addr, timeout)
				return spiedConn{conn, spy}, err
			})
			time.Sleep(timeout + timeout/6) // between two pings
			spy.clear()
			time.Sleep(time.Minute)
			minutes[i] = spy.clear()
		})
	}
	require.Len(t, minutes[0], int(3*time.Minute/timeout))
	require.Equal(t, minutes[1], minutes[0])
}
