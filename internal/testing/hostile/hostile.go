// Package hostile makes an honest server answer as a hostile one might. It is a
// dialer between a client and package zktest: it knows which request each frame
// of the server answers, and a test decides what the client gets instead.
package hostile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"net"
	"os"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/zktest"
)

// Frame is a frame of the server on its way to a client.
type Frame struct {
	// Op is the kind of the request that the frame answers: zktest.OpConnect
	// for the handshake, and zero for an event.
	Op    zktest.Op
	Asked []byte // the body of that request
	Xid   int32
	Bytes []byte // including the length prefix; the receiver may keep and change it
}

// Body is the frame without its length prefix.
func (f Frame) Body() []byte { return f.Bytes[4:] }

// Reaction is what the client gets instead of a frame.
type Reaction struct {
	Bytes  []byte
	HangUp bool          // end the connection after Bytes
	Slow   bool          // deliver Bytes one by one
	Wait   time.Duration // deliver Bytes later
}

// Dial is a dialer of a session.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// Between returns a dialer whose connections hand each frame of the server to
// react. Calls of one connection come one at a time, in the order of the stream.
func Between(dial Dial, react func(Frame) Reaction) Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		inner, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{
			Conn: inner, from: bufio.NewReader(inner), react: react, asked: make(map[int32][]wire.Request), closed: make(chan struct{}),
		}, nil
	}
}

type conn struct {
	net.Conn
	react func(Frame) Reaction

	// Only the goroutine that reads uses these.
	from    *bufio.Reader
	greeted bool
	rest    []byte
	over    bool
	slow    bool

	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	hello    bool                     // the client has written its hello
	asked    map[int32][]wire.Request // what each xid was last used for, in order
	deadline time.Time                // of a Read
}

// Close ends a wait too.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(t)
}

// delay waits before a delivery, as a slow network does.
func (c *conn) delay(d time.Duration) error {
	c.mu.Lock()
	deadline := c.deadline
	c.mu.Unlock()
	late := !deadline.IsZero() && time.Until(deadline) < d
	if late {
		d = time.Until(deadline)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.closed:
		return net.ErrClosed
	case <-timer.C:
	}
	if late {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// Write notes the requests. The client writes whole frames.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	for rest := p; len(rest) >= 4; {
		n := 4 + int(binary.BigEndian.Uint32(rest))
		if n > len(rest) {
			break
		}
		if r, ok := wire.ParseRequest(rest[:n]); ok && c.hello {
			r.Body = bytes.Clone(r.Body)
			c.asked[r.Xid] = append(c.asked[r.Xid], r)
		}
		c.hello = true
		rest = rest[n:]
	}
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// request returns the request with the xid that is answered next.
func (c *conn) request(xid int32) wire.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	requests := c.asked[xid]
	if len(requests) == 0 {
		return wire.Request{}
	}
	if c.asked[xid] = requests[1:]; len(requests) == 1 {
		delete(c.asked, xid)
	}
	return requests[0]
}

func (c *conn) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.over {
			return 0, io.EOF
		}
		frame, err := wire.ReadFrame(c.from, math.MaxInt32)
		if err != nil {
			return 0, err
		}
		f := Frame{Op: zktest.OpConnect, Bytes: frame}
		if c.greeted && len(frame) >= 8 {
			f.Xid = int32(binary.BigEndian.Uint32(frame[4:]))
			r := c.request(f.Xid)
			f.Op, f.Asked = zktest.Op(r.Op), r.Body
		}
		c.greeted = true
		r := c.react(f)
		c.rest, c.over, c.slow = r.Bytes, r.HangUp, r.Slow
		if r.Wait > 0 {
			if err := c.delay(r.Wait); err != nil {
				return 0, err
			}
		}
	}
	if c.slow {
		p = p[:min(1, len(p))]
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
