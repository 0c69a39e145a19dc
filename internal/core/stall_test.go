package core_test

import (
	"context"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/zktest"
)

// netTrace is the network of a process: it records the requests that the
// process writes, and may accept none.
type netTrace struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu    sync.Mutex
	gate  chan struct{} // closed when the network takes bytes again; nil while it does
	given []sentFrame
}

// sentFrame is a request that was written to the network, at least in part.
type sentFrame struct {
	op   zktest.Op
	path string // the one at its beginning, if there is one
}

// traced is a process whose network is traced.
func (w *world) traced(change ...func(*core.Config)) (*process, *netTrace) {
	n := new(netTrace)
	link := func(cfg *core.Config) {
		n.dial = cfg.Dialer
		cfg.Dialer = n.dialTraced
	}
	return w.process(append([]func(*core.Config){link}, change...)...), n
}

func (n *netTrace) dialTraced(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := n.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &tracedConn{Conn: conn, n: n, changed: make(chan struct{})}, nil
}

// stall has the network accept no more bytes, like a network whose buffers are
// full. A Write that is under way then waits.
func (n *netTrace) stall() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.gate == nil {
		n.gate = make(chan struct{})
	}
}

// flow ends a stall.
func (n *netTrace) flow() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.gate != nil {
		close(n.gate)
		n.gate = nil
	}
}

// count returns how many requests of the kind the network was given. A create
// may be sent as a create2.
func (n *netTrace) count(op zktest.Op, path string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	sum := 0
	for _, f := range n.given {
		if f.path == path && (f.op == op || op == zktest.OpCreate && f.op == zktest.OpCreate2) {
			sum++
		}
	}
	return sum
}

// tracedConn is one connection of a traced network.
type tracedConn struct {
	net.Conn
	n *netTrace

	mu       sync.Mutex
	closed   bool
	deadline time.Time
	changed  chan struct{} // closed and replaced when closed or deadline changes
	rest     []byte        // of a frame that is not whole yet
	shaken   bool          // the first frame has passed, which is no request
}

func (c *tracedConn) Write(b []byte) (int, error) {
	c.note(b)
	for {
		c.n.mu.Lock()
		gate := c.n.gate
		c.n.mu.Unlock()
		if gate == nil {
			return c.Conn.Write(b)
		}
		c.mu.Lock()
		closed, deadline, changed := c.closed, c.deadline, c.changed
		c.mu.Unlock()
		switch {
		case closed:
			return 0, net.ErrClosed
		case !deadline.IsZero() && !time.Now().Before(deadline):
			return 0, os.ErrDeadlineExceeded
		}
		c.await(gate, changed, deadline)
	}
}

func (c *tracedConn) await(gate, changed <-chan struct{}, deadline time.Time) {
	var due <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-gate:
	case <-changed:
	case <-due:
	}
}

// note reads the requests in what is written.
func (c *tracedConn) note(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest = append(c.rest, b...)
	for len(c.rest) >= 4 {
		size := 4 + int(wire.NewDecoder(c.rest).Int32())
		if len(c.rest) < size {
			return
		}
		frame := c.rest[:size]
		c.rest = slices.Clone(c.rest[size:])
		if !c.shaken {
			c.shaken = true
			continue
		}
		if r, ok := wire.ParseRequest(frame); ok {
			c.n.add(r)
		}
	}
}

func (n *netTrace) add(r wire.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := sentFrame{op: zktest.Op(r.Op)}
	d := wire.NewDecoder(r.Body)
	if f.op == zktest.OpMulti { // the first operation follows its header
		d.Int32()
		d.Bool()
		d.Int32()
	}
	if f.path = d.String(); d.Err() != nil {
		f.path = ""
	}
	n.given = append(n.given, f)
}

func (c *tracedConn) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *tracedConn) Close() error {
	c.change(func() { c.closed = true })
	return c.Conn.Close()
}

func (c *tracedConn) SetDeadline(t time.Time) error {
	c.change(func() { c.deadline = t })
	return c.Conn.SetDeadline(t)
}

func (c *tracedConn) SetWriteDeadline(t time.Time) error {
	c.change(func() { c.deadline = t })
	return c.Conn.SetWriteDeadline(t)
}
