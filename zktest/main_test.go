package zktest_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var open = zk.WorldACL(zk.PermAll)

// quiet discards the client's log.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// client is the unmodified client, with the events of its session.
type client struct {
	*zk.Conn
	mu     sync.Mutex
	states []zk.State
}

// dial starts a client without waiting for its session.
func dial(t testing.TB, d zk.Dialer, timeout time.Duration) *client {
	t.Helper()
	c := &client{}
	conn, _, err := zk.Connect([]string{"zktest:2181"}, timeout, zk.WithDialer(d),
		zk.WithHostProvider(new(zktest.Hosts)), zk.WithLogger(quiet{}), zk.WithEventCallback(c.note))
	require.NoError(t, err)
	c.Conn = conn
	t.Cleanup(conn.Close)
	return c
}

func (c *client) note(ev zk.Event) {
	if ev.Type == zk.EventSession {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.states = append(c.states, ev.State)
	}
}

// saw reports whether the client has been in a state.
func (c *client) saw(state zk.State) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.states {
		if s == state {
			return true
		}
	}
	return false
}

// connect opens a session: the first request waits for it.
func connect(t testing.TB, d zk.Dialer, timeout time.Duration) *client {
	t.Helper()
	c := dial(t, d, timeout)
	_, _, err := c.Exists("/")
	require.NoError(t, err)
	return c
}

// create makes a znode with an open ACL.
func (c *client) create(t testing.TB, path, data string, flags int32) string {
	t.Helper()
	p, err := c.Create(path, []byte(data), flags, open)
	require.NoError(t, err)
	return p
}

// raw speaks the protocol byte by byte, for requests that the client never
// sends.
type raw struct {
	t    testing.TB
	c    net.Conn
	xid  int32
	id   int64
	pass []byte
	ms   int32
}

// rawDial opens a connection without a handshake.
func rawDial(t testing.TB, s *zktest.Server) *raw {
	t.Helper()
	c, err := s.Dial("tcp", "any", time.Second)
	require.NoError(t, err)
	r := &raw{t: t, c: c, pass: make([]byte, 16)}
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return r
}

// rawSession opens a connection and a session.
func rawSession(t testing.TB, s *zktest.Server) *raw {
	t.Helper()
	r := rawDial(t, s)
	require.NoError(t, r.handshake(0, 0, 10_000, make([]byte, 16), true))
	require.NotZero(t, r.id)
	return r
}

func num[T int32 | int64](v T) []byte {
	if v, ok := any(v).(int64); ok {
		return binary.BigEndian.AppendUint64(nil, uint64(v))
	}
	return binary.BigEndian.AppendUint32(nil, uint32(v))
}

func i4(v int32) []byte { return num(v) }
func i8(v int64) []byte { return num(v) }

func str(s string) []byte { return append(i4(int32(len(s))), s...) }

func flag(v bool) []byte {
	if v {
		return []byte{1}
	}
	return []byte{0}
}

// anyone is the ACL vector that grants everything to everyone.
var anyone = join(i4(1), i4(31), str("world"), str("anyone"))

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func (r *raw) write(parts ...[]byte) {
	b := join(parts...)
	_, err := r.c.Write(append(i4(int32(len(b))), b...))
	require.NoError(r.t, err)
}

func (r *raw) read() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r.c, head[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err := io.ReadFull(r.c, b)
	return b, err
}

// handshake sends a ConnectRequest and notes the answer.
func (r *raw) handshake(seen, session int64, ms int32, pass []byte, readOnly bool) error {
	tail := []byte(nil)
	if readOnly {
		tail = flag(false)
	}
	r.write(i4(0), i8(seen), i4(ms), i8(session), i4(int32(len(pass))), pass, tail)
	b, err := r.read()
	if err != nil {
		return err
	}
	want := 36
	if readOnly {
		want = 37
	}
	require.Len(r.t, b, want)
	r.ms, r.id, r.pass = int32(binary.BigEndian.Uint32(b[4:])), int64(binary.BigEndian.Uint64(b[8:])), b[20:36]
	return nil
}

// reply is one frame from the server.
type reply struct {
	xid  int32
	zxid int64
	code zktest.Code
	body []byte
}

func (r *raw) next() (reply, error) {
	b, err := r.read()
	if err != nil {
		return reply{}, err
	}
	return reply{
		xid: int32(binary.BigEndian.Uint32(b)), zxid: int64(binary.BigEndian.Uint64(b[4:])),
		code: zktest.Code(int32(binary.BigEndian.Uint32(b[12:]))), body: b[16:],
	}, nil
}

// ask sends a request and returns its reply; events in front of it are dropped.
func (r *raw) ask(op zktest.Op, body ...[]byte) reply {
	r.t.Helper()
	r.xid++
	r.write(i4(r.xid), i4(int32(op)), join(body...))
	for {
		got, err := r.next()
		require.NoError(r.t, err)
		if got.xid != -1 {
			return got
		}
	}
}

// requireClosed waits for the end of the connection.
func (r *raw) requireClosed() {
	r.t.Helper()
	_, err := r.read()
	require.True(r.t, errors.Is(err, io.EOF), "%v", err)
}
