package zktest

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// maxQueued is the size of the waiting output from which a connection's
	// requests are not executed, and of the waiting requests from which no more
	// are read.
	maxQueued = 4 << 20
	// maxOutput is the size of the waiting output from which the server closes
	// the connection. Only watch events can make it so long.
	maxOutput = 64 << 20
)

// conn is one client connection. Three goroutines serve it. The first reads
// frames, so that each frame touches its session on arrival. The second
// executes them in order, and may be held up. The third writes.
type conn struct {
	s                    *Server
	nc                   net.Conn
	seq                  int64 // order of arrival
	link                 *Link // nil for a connection over TCP
	in                   *queue[*frame]
	out                  *queue[[]byte]
	fromClient, toClient gate // shut by Partition

	accepted time.Time
	packets  traffic

	closeOnce sync.Once
	dead      chan struct{} // closed with the connection
	greeted   chan struct{} // closed once it carries a session, or is gone

	// Guarded by Server.mu.
	sess   *session
	last   int64 // the session it carries or carried, for Heal
	ids    []id
	login  saslLogin
	latest lastAnswer
	// sentReadOnly says whether the handshake had the flag of that name.
	sentReadOnly bool
	gone         bool     // the server has dropped it: it sets no watches and touches no session
	old          *Deposed // the deposed leader that it is connected to, if any
	reign        int      // the reign of the link at the dial

	// abandoned tells the executing goroutine to drop what is queued; guarded by Server.mu.
	abandoned bool
	// losing is set during the execution of a request whose reply will be lost
	// with the connection. Guarded by Server.mu.
	losing bool
	// failing holds the parts of a multiRead that interceptors fail. It is set
	// during the execution of the multiRead. Guarded by Server.mu.
	failing *map[int]Code
}

// frame is one request as it arrived.
type frame struct {
	body  []byte
	heard bool // its session has been touched for it
}

// size returns about how much memory the frame takes.
func (f *frame) size() int { return len(f.body) + 64 }

// outputSize returns about how much memory a frame of output takes.
func outputSize(b []byte) int { return len(b) + 32 }

// accept takes a new connection into service. link is nil for a connection over TCP.
func (s *Server) accept(nc net.Conn, link *Link) error {
	c := &conn{
		s: s, nc: nc, link: link, dead: make(chan struct{}), greeted: make(chan struct{}), accepted: time.Now(),
		in: newQueue((*frame).size), out: newQueue(outputSize),
	}
	c.ids = []id{{"ip", remoteIP(nc.RemoteAddr())}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.shut()
		return errClosed
	}
	s.connSeq++
	c.seq = s.connSeq
	if link != nil {
		c.old, c.reign = s.deposed[link], link.reign
	}
	s.conns[c] = struct{}{}
	s.wg.Go(c.read)
	s.wg.Go(c.execute)
	s.wg.Go(c.write)
	return nil
}

// remoteIP returns the address of the peer for the scheme ip. An in-memory
// connection comes from this machine.
func remoteIP(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.IP.String()
	}
	return "127.0.0.1"
}

// read cuts the stream into frames until the connection ends.
func (c *conn) read() {
	defer c.in.close()
	r := bufio.NewReader(c.nc)
	var head [4]byte
	first := true
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			break
		}
		if first && c.fourLetter(string(head[:]), r) {
			break
		}
		first = false
		n := int32(binary.BigEndian.Uint32(head[:]))
		if n < 0 || int(n) > c.s.cfg.maxFrame {
			break
		}
		f := &frame{body: make([]byte, n)}
		if _, err := io.ReadFull(r, f.body); err != nil {
			break
		}
		c.countReceived()
		if !c.fromClient.pass(c.dead) {
			break
		}
		c.hear(f)
		c.in.push(f)
		c.in.awaitRoom(maxQueued)
	}
	// A frozen server does not notice that a client has gone. Neither does a
	// server behind a partition.
	c.fromClient.pass(c.dead)
	c.s.frozen.pass(c.dead)
	c.s.do(func() { c.s.hangUp(c) })
}

// hear touches the session for an arriving frame. While the server is frozen, a
// frame counts as not yet arrived.
func (c *conn) hear(f *frame) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if f.heard || c.s.frozen.shut() {
		return
	}
	f.heard = true
	switch {
	case c.sess == nil || c.gone:
	case c.old != nil:
		c.old.touch(c.sess)
	default:
		c.s.hear(c.sess)
	}
}

// execute runs the frames one by one. The first is the handshake.
func (c *conn) execute() {
	defer c.in.close() // the reader drops what nobody will execute
	first := true
	for {
		f, ok := c.in.pop()
		if !ok || !c.s.frozen.pass(c.s.done) {
			return
		}
		c.hear(f)
		c.out.awaitRoom(maxQueued)
		serve := c.request
		if first {
			serve, first = c.handshake, false
		}
		if !serve(f.body) {
			return
		}
	}
}

// write sends what is queued, then closes the connection once the queue is closed.
func (c *conn) write() {
	defer c.s.forget(c)
	for {
		b, ok := c.out.pop()
		if !ok || !c.toClient.pass(c.dead) {
			return
		}
		c.countSent()
		if _, err := c.nc.Write(b); err != nil {
			return // the reader sees the connection end too and cleans up
		}
	}
}

// deliver puts a finished step's output on its way.
func (c *conn) deliver(o outgoing) {
	if o.close {
		c.out.close()
		return
	}
	if c.out.push(o.frame) > maxOutput {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		c.abandon()
	}
}

// forget removes a connection from the server's list and closes it. A partition
// may hold its last frames for long: until forget, closing or restarting the
// server finds the connection in the list.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c) // first: a client that sees the end finds itself gone
	s.mu.Unlock()
	c.shut()
}

// shut closes the underlying connection.
func (c *conn) shut() {
	c.closeOnce.Do(func() {
		close(c.dead)
		// The executing and the reading goroutine may wait for room.
		c.out.close()
		c.in.close()
		// The connection is over either way, so no caller needs the error.
		_ = c.nc.Close()
	})
}

// abandon drops the connection at once, together with its queue. The caller
// holds Server.mu.
func (c *conn) abandon() {
	c.s.detach(c)
	c.abandoned = true
	c.out.close()
	c.shut()
}

// detach removes a connection's watches and leaves its session without a
// connection. The caller holds mu.
func (s *Server) detach(c *conn) {
	if c.gone {
		return
	}
	c.gone = true
	if c.sess == nil {
		close(c.greeted)
	}
	s.tree.data.forget(c)
	s.tree.child.forget(c)
	if c.old != nil {
		c.old.tree.data.forget(c)
		c.old.tree.child.forget(c)
	}
	if c.sess != nil {
		if r := c.sess.replica; r != nil {
			r.tree.data.forget(c)
			r.tree.child.forget(c)
		}
		if c.sess.conn == c {
			c.sess.conn = nil
		}
	}
}
