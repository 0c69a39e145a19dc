package zktest

import (
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func newPipe() (a, b *pipeConn) {
	ab, ba := newHalf(), newHalf()
	closed := func() {}
	return &pipeConn{in: ba, out: ab, local: "a", remote: "b", closed: closed},
		&pipeConn{in: ab, out: ba, local: "b", remote: "a", closed: closed}
}

func TestPipeIsBuffered(t *testing.T) {
	a, b := newPipe()
	for _, s := range []string{"one", "", "two"} {
		n, err := a.Write([]byte(s))
		require.NoError(t, err)
		require.Equal(t, len(s), n)
	}
	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	buf := make([]byte, 2)
	n, err := b.Read(buf)
	require.NoError(t, err)
	require.Equal(t, "on", string(buf[:n]))
	rest, err := io.ReadAll(b)
	require.NoError(t, err)
	require.Equal(t, "etwo", string(rest))

	_, err = a.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = a.Read(buf)
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = b.Write([]byte("x"))
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.NoError(t, b.Close())
	require.Equal(t, "zktest", b.LocalAddr().Network())
	require.Equal(t, "a", b.RemoteAddr().String())
}

func TestPipeDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newPipe()
		start := time.Now()
		require.NoError(t, a.SetReadDeadline(start.Add(time.Second)))
		_, err := a.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		_, err = a.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		_, err = a.Write([]byte("x"))
		require.NoError(t, err)
		require.NoError(t, a.SetDeadline(time.Now()))
		_, err = a.Write([]byte("x"))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)

		// A deadline that is extended during a read counts from then on.
		require.NoError(t, a.SetDeadline(time.Now().Add(time.Second)))
		start = time.Now()
		time.AfterFunc(500*time.Millisecond, func() {
			require.NoError(t, a.SetReadDeadline(time.Now().Add(2*time.Second)))
		})
		_, err = a.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 2500*time.Millisecond, time.Since(start))
		require.NoError(t, a.SetReadDeadline(time.Time{}))
		require.NoError(t, a.Close())
		time.Sleep(time.Hour)
	})
}

func TestPipeHoldsTheEndToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPipe()
		a.out.setPath(true, 0)
		_, err := a.Write([]byte("x"))
		require.NoError(t, err)
		require.NoError(t, a.Close())
		require.NoError(t, b.SetReadDeadline(time.Now().Add(time.Minute)))
		_, err = b.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, b.SetReadDeadline(time.Time{}))
		a.out.setPath(false, 0)
		all, err := io.ReadAll(b)
		require.NoError(t, err)
		require.Equal(t, "x", string(all))
		b.in.cutOff()
		_, err = b.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	})
}

func TestHosts(t *testing.T) {
	h := new(Hosts)
	require.NoError(t, h.Init([]string{"a", "b"}))
	require.Equal(t, 2, h.Len())
	next := func(want string, retry bool) {
		t.Helper()
		s, r := h.Next()
		require.Equal(t, want, s)
		require.Equal(t, retry, r)
	}
	next("a", false)
	next("b", false)
	next("a", true)
	next("b", false)
	h.Connected()
	next("a", false)
	next("b", true)
}
