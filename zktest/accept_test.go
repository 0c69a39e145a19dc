package zktest

import (
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// flaky is a listener that runs out of descriptors for a while. Then it has one
// connection.
type flaky struct {
	fails int
	conn  chan net.Conn
	done  chan struct{}
}

func (l *flaky) Accept() (net.Conn, error) {
	if l.fails > 0 {
		l.fails--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.done:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: net.ErrClosed}
	}
}

func (l *flaky) Close() error   { close(l.done); return nil }
func (l *flaky) Addr() net.Addr { return memAddr("flaky") }

// A failed accept is tried again after a pause.
func TestAcceptSurvivesErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const fails = 3
		s := New(t)
		client, server := s.Link().connect()
		ln := &flaky{fails: fails, conn: make(chan net.Conn, 1), done: make(chan struct{})}
		ln.conn <- server
		began := time.Now()
		s.listeners = append(s.listeners, ln)
		s.wg.Go(func() { s.serve(ln) })
		_, err := client.Write([]byte("ruok"))
		require.NoError(t, err)
		answer, err := io.ReadAll(client)
		require.NoError(t, err)
		require.Equal(t, "imok", string(answer))
		require.Equal(t, fails*acceptPause, time.Since(began))
		require.NoError(t, client.Close())
	})
}

// The server closes while its listener fails.
func TestCloseDuringErrorsOfAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		ln := &flaky{fails: 1 << 30, done: make(chan struct{})}
		s.listeners = append(s.listeners, ln)
		s.wg.Go(func() { s.serve(ln) })
		require.NoError(t, s.Close())
	})
}
