package security

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/sasl"
	"github.com/docent-go/docent/internal/sasl/sasltest"
	"github.com/docent-go/docent/internal/wire"
)

// wireConn is a connection with a session that speaks the protocol by frames.
type wireConn struct {
	t   *testing.T
	c   net.Conn
	r   *bufio.Reader
	xid int32
}

// connect opens a connection and a session on it.
func (s saslServer) connect(t *testing.T) *wireConn {
	t.Helper()
	dial := s.dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	c, err := dial(within(t), "tcp", s.addr)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	if s.tls != nil {
		c = tls.Client(c, s.tls)
	}
	w := &wireConn{t: t, c: c, r: bufio.NewReader(c)}
	e := wire.NewEncoder(64)
	e.Int32(0)
	e.Int64(0)
	e.Int32(10_000)
	e.Int64(0)
	e.Buffer(make([]byte, 16))
	e.Bool(false)
	_, err = c.Write(e.Frame())
	require.NoError(t, err)
	frame, err := wire.ReadFrame(w.r, wire.MaxReply)
	require.NoError(t, err)
	h, err := wire.ParseHandshake(frame)
	require.NoError(t, err)
	require.NotZero(t, h.Session)
	return w
}

// request builds a request with the next xid.
func (w *wireConn) request(op wire.Op, body func(e *wire.Encoder)) []byte {
	w.xid++
	e := wire.NewEncoder(64)
	e.Int32(w.xid)
	e.Int32(int32(op))
	if body != nil {
		body(e)
	}
	return e.Frame()
}

// next reads an answer.
func (w *wireConn) next() (wire.Reply, error) {
	frame, err := wire.ReadFrame(w.r, wire.MaxReply)
	if err != nil {
		return wire.Reply{}, err
	}
	return wire.ParseReply(frame)
}

// ask sends a request and returns its answer.
func (w *wireConn) ask(op wire.Op, body func(e *wire.Encoder)) wire.Reply {
	w.t.Helper()
	_, err := w.c.Write(w.request(op, body))
	require.NoError(w.t, err)
	reply, err := w.next()
	require.NoError(w.t, err)
	return reply
}

// token sends a token, nil for none, and returns the answer with its token.
func (w *wireConn) token(token []byte) (wire.Reply, []byte) {
	w.t.Helper()
	reply := w.ask(wire.OpSASL, func(e *wire.Encoder) { e.Buffer(token) })
	require.Equal(w.t, w.xid, reply.Xid)
	require.Zero(w.t, reply.Zxid)
	d := wire.NewDecoder(reply.Body)
	answer := d.Buffer()
	require.NoError(w.t, d.Err())
	require.Empty(w.t, d.Rest())
	return reply, answer
}

// refusal is the code of an answer to a token, as an error.
type refusal wire.Code

func (r refusal) Error() string { return wire.Code(r).Name() }

// login runs a login.
func (w *wireConn) login(m sasl.Mechanism, server string) error {
	w.t.Helper()
	x, err := m.Start(within(w.t), server)
	require.NoError(w.t, err)
	return sasltest.Login(x, func(token []byte) ([]byte, error) {
		reply, answer := w.token(token)
		if reply.Code != wire.CodeOK {
			return nil, refusal(reply.Code)
		}
		return answer, nil
	})
}

// identities asks for the connection's identities, by scheme.
func (w *wireConn) identities() map[string]string {
	w.t.Helper()
	reply := w.ask(wire.OpWhoAmI, nil)
	require.Equal(w.t, wire.CodeOK, reply.Code)
	d := wire.NewDecoder(reply.Body)
	all := make(map[string]string)
	for range d.Count(8) {
		scheme := d.String()
		all[scheme] = d.String()
	}
	require.NoError(w.t, d.Err())
	return all
}

// requireClosed requires that the server closes the connection without another
// answer.
func (w *wireConn) requireClosed() {
	w.t.Helper()
	_, err := w.next()
	require.Error(w.t, err)
	var late net.Error
	require.False(w.t, errors.As(err, &late) && late.Timeout(), "%v", err)
}
