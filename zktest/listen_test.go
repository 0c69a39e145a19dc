package zktest

import (
	"net"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// poor is a listener without descriptors for some time.
type poor struct {
	failures int
	conns    chan net.Conn
	closed   chan struct{}
}

func (p *poor) Accept() (net.Conn, error) {
	if p.failures > 0 {
		p.failures--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *poor) Close() error   { close(p.closed); return nil }
func (p *poor) Addr() net.Addr { return &net.UnixAddr{Name: "poor"} }

// A process that has no descriptor left for a moment serves again later.
func TestListenerWithoutDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		ln := &poor{failures: 100, conns: make(chan net.Conn), closed: make(chan struct{})}
		require.NoError(t, s.serve(ln))
		here, there := net.Pipe()
		ln.conns <- there
		_, err := here.Write([]byte("ruok"))
		require.NoError(t, err)
		answer := make([]byte, 4)
		_, err = here.Read(answer)
		require.NoError(t, err)
		require.Equal(t, "imok", string(answer))
		require.NoError(t, here.Close())
	})
}

// Close ends a pause of Accept.
func TestCloseWithoutDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		require.NoError(t, s.serve(&poor{failures: 1 << 30, closed: make(chan struct{})}))
		synctest.Wait()
		require.NoError(t, s.Close())
	})
}
