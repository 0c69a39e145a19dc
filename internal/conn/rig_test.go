package conn

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
func i32(n int32) []byte          { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
func i64(n int64) []byte          { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
func str(s string) []byte         { return append(i32(int32(len(s))), s...) }

// frame puts the length before a body.
func frame(parts ...[]byte) []byte {
	b := join(parts...)
	return append(i32(int32(len(b))), b...)
}

const (
	patience = 3 * time.Second
	granted  = 8 * time.Second
	ourZxid  = 1 << 40
)

var (
	theHello   = frame(i32(0), i64(5), i32(8000), i64(0), str("0123456789abcdef"))
	theGrant   = frame(i32(0), i32(int32(granted/time.Millisecond)), i64(77), str("0123456789abcdef"))
	thePing    = frame(i32(wire.XidPing), i32(int32(wire.OpPing)))
	theGoodbye = frame(i32(1), i32(int32(wire.OpCloseSession)))
)

// anyBody is a body that fits the answers to create, exists, setData and
// getData, and to requests whose answers have no body.
var anyBody = join(str("/a"), make([]byte, 80))

// checked is the body of the answer to a transaction of one check.
var checked = join(i32(int32(wire.OpCheck)), []byte{0}, i32(0), i32(-1), []byte{1}, i32(-1))

// answer is the answer to a request. Without a body it has anyBody, or none if
// it is an error.
func answer(xid int32, code wire.Code, body ...[]byte) []byte {
	if len(body) == 0 && code == wire.CodeOK {
		body = [][]byte{anyBody}
	}
	return frame(i32(xid), i64(9), i32(int32(code)), join(body...))
}

func event(kind wire.Event, path string) []byte {
	return frame(i32(wire.XidEvent), i64(-1), i32(0), i32(int32(kind)), i32(3), str(path))
}

// owner records the calls of its methods.
type owner struct {
	mu    sync.Mutex
	log   []string
	ended error

	onGranted func() error
	watches   []*Call
	onOpened  func(*Conn)
}

func (o *owner) note(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log = append(o.log, fmt.Sprintf(format, args...))
}

// told returns the records since the last call.
func (o *owner) told() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	told := o.log
	o.log = nil
	return told
}

func (o *owner) Greeting() int64 { return ourZxid }
func (o *owner) Granted(_ *Conn, h wire.Handshake, _ time.Time) error {
	o.note("granted %d %v", h.Session, h.Timeout)
	if o.onGranted != nil {
		return o.onGranted()
	}
	return nil
}
func (o *owner) Refused(_ *Conn, err error) { o.note("refused: %v", err) }
func (o *owner) Watches(*Conn) []*Call      { o.note("watches"); return o.watches }
func (o *owner) Opened(c *Conn) {
	o.note("opened")
	if o.onOpened != nil {
		o.onOpened(c)
	}
}
func (o *owner) Answered(_ *Conn, call *Call)        { o.note("answered %v", call.Op()) }
func (o *owner) Pinged(_ *Conn, at time.Time)        { o.note("pinged") }
func (o *owner) Event(event wire.Event, path string) { o.note("event %d %s", event, path) }
func (o *owner) Ended(_ *Conn, err error) {
	o.note("ended")
	o.ended = err
}

// noted is a call whose end is in the owner's record too.
func (o *owner) noted(op wire.Op, frame []byte) *Call {
	return NewCall(frame, func(call *Call) { o.note("%v ends: %v", op, call.Fate()) })
}

func (f Fate) String() string {
	return [...]string{"pending", "answered", "unsent", "lost", "unreadable"}[f]
}

// rig is a connection between a client and a server, both played by the test,
// in a bubble of synctest.
type rig struct {
	*testing.T
	*owner
	c      *Conn
	server net.Conn
	from   *bufio.Reader
	outer  *countedConn

	background sync.WaitGroup
	got        []byte // what the client has read
	err        error  // what has ended the client's reads
}

// countedConn records the bytes of each Write.
type countedConn struct {
	net.Conn
	mu     sync.Mutex
	writes [][]byte
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.writes = append(c.writes, bytes.Clone(p))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// inRig runs f with a connection whose client has sent its hello.
func inRig(t *testing.T, f func(g *rig), change ...func(*Config, *owner)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		g := &rig{T: t, owner: new(owner), server: far, from: bufio.NewReader(far), outer: &countedConn{Conn: near}}
		cfg := Config{Owner: g.owner, Patience: patience, Go: g.background.Go, Closing: g.background.Go}
		for _, c := range change {
			c(&cfg, g.owner)
		}
		g.c = New(g.outer, cfg)
		defer func() {
			g.c.Close()
			g.background.Wait()
		}()
		defer far.Close()
		g.background.Go(g.client)
		f(g)
	})
}

// client behaves like the client underneath.
func (g *rig) client() {
	if _, g.err = g.c.Write(bytes.Clone(theHello)); g.err != nil {
		return
	}
	p := make([]byte, 100)
	for {
		n, err := g.c.Read(p)
		g.got = append(g.got, p[:n]...)
		if err != nil {
			g.err = err
			g.c.Close()
			return
		}
	}
}

// read returns the next frame that the server gets.
func (g *rig) read() []byte {
	g.Helper()
	f, err := wire.ReadFrame(g.from, wire.MaxReply)
	require.NoError(g, err)
	return f
}

// request returns the next request that the server gets.
func (g *rig) request(op wire.Op) wire.Request {
	g.Helper()
	r, ok := wire.ParseRequest(g.read())
	require.True(g, ok)
	require.Equal(g, op, r.Op)
	return r
}

// send has the server send frames.
func (g *rig) send(frames ...[]byte) {
	g.Helper()
	for _, f := range frames {
		_, err := g.server.Write(f)
		require.NoError(g, err)
	}
	synctest.Wait()
}

// quiet checks that nothing is on its way to the server.
func (g *rig) quiet() {
	g.Helper()
	synctest.Wait()
	g.outer.mu.Lock()
	defer g.outer.mu.Unlock()
	require.Empty(g, g.outer.writes)
}

// written returns the bytes of each write since the last call.
func (g *rig) written() [][]byte {
	g.outer.mu.Lock()
	defer g.outer.mu.Unlock()
	w := g.outer.writes
	g.outer.writes = nil
	return w
}

// open takes the connection through the handshake.
func (g *rig) open() {
	g.Helper()
	g.read()
	g.send(theGrant)
	require.Equal(g, []string{"granted 77 8s", "watches", "opened"}, g.told())
	g.written()
}

// over waits for the end of the connection, which the client finds out too.
func (g *rig) over() {
	g.Helper()
	<-g.c.Closed()
	synctest.Wait()
	require.Error(g, g.err)
}

// ctxOver is a ctx that has ended.
func ctxOver() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
