package session

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/docent-go/docent/internal/once"
	"github.com/docent-go/docent/internal/wire"
)

// conn stands between the client and the network. It forwards frames in order,
// and learns from them what the client does not tell:
//
//   - when the newest request was written whose answer proves that a quorum has
//     committed it: the session's trust deadline counts from that instant (see
//     trust, and wire.Reply.ProvesQuorum for what proves nothing);
//   - which timeout was granted, and whether the server says that the session
//     is over, or answers with another one;
//   - when a create has gone out, so that a list can follow right behind it, and
//     the zxid of the node that it made, for which the server is asked in the
//     client's place (see creates).
//
// It also shortens the client's patience (see SetReadDeadline), refuses frames
// that would make the client panic, and sets watches in the client's place (see
// watchMark).
type conn struct {
	net.Conn
	s        *Session
	server   target
	patience time.Duration // for the handshake

	r       *bufio.Reader
	buf     []byte // the frame that pending is a part of
	pending []byte // read from the network, not yet by the client

	closeOnce once.Once
	closed    chan struct{}

	proven atomic.Bool // a quorum has answered on this connection

	writing chan struct{} // holds a token while a frame is written; a wait lets virtual time go on

	mu        sync.Mutex
	shaken    bool // the handshake is over
	timeout   time.Duration
	helloAt   time.Time
	helloZxid int64 // the newest transaction that the client has seen before this connection
	creds     int   // how many credentials the server has answered
	sent      map[int32]sentRequest
	pings     []time.Time // when those were written that are not answered yet; all have one xid
	probes    int32       // how many were sent
	unproven  int         // how many probes are not answered yet
	rewatches []int       // the sizes of the requests that set watches again and are not answered
	answered  bool        // the server has answered a request
	taken     int         // the size of the largest that it has answered
}

type sentRequest struct {
	request
	at    time.Time
	probe *probe // nil for a request of the client
	size  int
}

func newConn(inner net.Conn, s *Session, server target, patience time.Duration) *conn {
	return &conn{
		Conn: inner, s: s, server: server, patience: patience,
		r:       bufio.NewReaderSize(inner, 32<<10),
		sent:    make(map[int32]sentRequest),
		closed:  make(chan struct{}),
		writing: make(chan struct{}, 1),
	}
}

// Write sends one frame: the client writes each with a single call. Its time
// is taken before, since the server may have it at any moment after.
func (c *conn) Write(frame []byte) (int, error) {
	now := time.Now()
	var req request
	var made *underway
	c.mu.Lock()
	switch {
	case c.helloAt.IsZero():
		c.helloAt, c.helloZxid = now, wire.HelloZxid(frame)
	default:
		var ok bool
		if req, ok = parseRequest(frame); ok {
			if req.op == wire.OpCreate {
				if made = c.s.creates.find(req.path); made != nil && made.withStat {
					req.op = wire.OpCreate2
				}
			}
			if req.xid == wire.XidPing {
				c.pings = append(c.pings, now)
			} else {
				c.sent[req.xid] = sentRequest{request: req, at: now, size: len(frame) - 4}
			}
		}
	}
	c.mu.Unlock()

	out := frame
	switch {
	case req.watch:
		out = takeMark(frame, req)
	case req.op == wire.OpCreate2:
		out = withStat(frame)
	}
	if err := c.write(out); err != nil {
		// The reader finds the connection closed, and the client then fails
		// every request that was sent on it. An error from here would have it
		// fail this one twice: together with the error it gives a request that
		// is queued during its Close, one more than anybody waits for, and the
		// Close would hang.
		c.Close()
		return len(frame), nil
	}
	if made != nil {
		made.announce()
	}
	return len(frame), nil
}

// write sends one frame whole, whoever else is writing.
func (c *conn) write(frame []byte) error {
	select {
	case c.writing <- struct{}{}:
		defer func() { <-c.writing }()
	case <-c.closed:
		return net.ErrClosed
	}
	_, err := c.Conn.Write(frame)
	return err
}

// Read hands out whole frames, as much of one as p takes.
func (c *conn) Read(p []byte) (int, error) {
	for len(c.pending) == 0 {
		frame, err := wire.ReadFrame(c.r, c.buf)
		ours := false
		if err == nil {
			c.buf = frame
			ours, err = c.learn(frame)
		}
		if err != nil {
			// The client would first wait for its sender, which may hang in a
			// Write: closing ends that at once.
			c.Close()
			c.handshakeFailed(err)
			return 0, err
		}
		if !ours {
			c.pending = frame
		}
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// Close ends the connection: reads and writes that are under way fail. It never
// blocks, even where the network's own Close does: that runs in the background,
// and Session.retire waits for it. Close may be called more than once.
func (c *conn) Close() error {
	err := net.ErrClosed
	c.closeOnce.Do(func() {
		err = nil
		close(c.closed)
		c.tellProgress()
		_ = c.Conn.SetDeadline(longAgo) // a network that cannot do that is closed all the same
		// Before the session forgets the connection: seal either finds it, and waits
		// for this, or comes after it. So retire waits for all of them.
		c.s.closing.Go(func() { _ = c.Conn.Close() })
		c.s.forget(c)
	})
	return err
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

func (c *conn) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// SetReadDeadline shortens what the client asks for. In the handshake it would
// wait for almost seven session timeouts, on a server that hangs while others
// are well. Later it would wait for two thirds of the timeout: half of it leaves
// a ping, sent each third, a sixth of the timeout to be answered, and a twelfth
// until the trust deadline to find another server.
func (c *conn) SetReadDeadline(t time.Time) error {
	if !t.IsZero() {
		c.mu.Lock()
		limit := c.patience
		if c.shaken {
			limit = c.timeout / 2
		}
		c.mu.Unlock()
		if latest := time.Now().Add(limit); t.After(latest) {
			t = latest
		}
	}
	return c.Conn.SetReadDeadline(t)
}

// learn takes from a frame of the server what the session wants to know. It
// reports whether the frame answers a request of our own, of which the client
// knows nothing.
func (c *conn) learn(frame []byte) (ours bool, err error) {
	c.mu.Lock()
	shaken := c.shaken
	c.mu.Unlock()
	if !shaken {
		return false, c.learnHandshake(frame)
	}
	r, err := wire.ParseReply(frame)
	if err != nil {
		return false, err
	}
	if r.Xid != wire.XidEvent {
		c.noteAnswer(r.Xid)
	}
	switch r.Xid {
	case wire.XidEvent:
		c.s.armed.fired(r.Event, r.Path)
		return false, nil
	case wire.XidSetWatches:
		if r.Code != 0 {
			return true, fmt.Errorf("the server refuses to set watches again (error code %d)", r.Code)
		}
		return true, nil
	case wire.XidPing:
		c.learnPing()
		return false, nil
	}
	return r.Xid <= xidProbe, c.learnReply(r)
}

// learnPing takes the answer to the oldest ping.
func (c *conn) learnPing() {
	c.mu.Lock()
	if len(c.pings) == 0 {
		c.mu.Unlock()
		return
	}
	at, timeout := c.pings[0], c.timeout
	c.pings = c.pings[1:]
	c.mu.Unlock()
	c.s.answered(at, timeout, false)
	c.s.pinged()
}

func (c *conn) learnReply(r wire.Reply) error {
	c.mu.Lock()
	req, known := c.sent[r.Xid]
	delete(c.sent, r.Xid)
	c.mu.Unlock()
	if !known {
		return nil
	}
	if r.Code == wire.CodeSessionExpired {
		c.s.end(ErrExpired)
	} else {
		proof := r.ProvesQuorum(req.op)
		c.s.answered(req.at, c.timeout, proof)
		if proof && !c.proven.Swap(true) {
			c.s.linkProven()
		}
	}
	if req.probe != nil {
		c.settle(req.probe, r)
		return nil
	}
	switch {
	case req.watch:
		c.s.armed.set(req.request, r.Code)
	case req.op == wire.OpCreate2 && r.Code == 0:
		made := c.s.creates.find(req.path)
		if made == nil {
			break // nobody waits for it any more
		}
		var err error
		if made.czxid, err = wire.CreatedZxid(r.Body); err != nil {
			return errors.New("the server sent the path of a node it has made without its stat")
		}
	}
	if req.op == wire.OpAuth {
		if c.creds++; c.creds == len(c.s.m.cfg.Auth) {
			return c.ready()
		}
	}
	return nil
}

// ready sets the watches again, after which the connection is like any other.
func (c *conn) ready() error {
	if err := c.setWatchesAgain(); err != nil {
		return err
	}
	c.s.linked(c)
	return nil
}

// handshakeFailed reports a connection that ended before its handshake did. For
// whoever waits in Dial that is a server that cannot be reached.
func (c *conn) handshakeFailed(err error) {
	c.mu.Lock()
	shaken := c.shaken
	c.mu.Unlock()
	if shaken || c.s.sealCtx.Err() != nil {
		return
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("no answer within %v", c.patience)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		err = ErrNotServing
	}
	c.s.m.dialFailed(c.server.addr, fmt.Errorf("handshake with %s: %w", c.server.addr, err))
}

func (c *conn) learnHandshake(frame []byte) error {
	h, err := wire.ParseHandshake(frame)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.shaken = true
	c.timeout = h.Timeout
	helloAt := c.helloAt
	c.mu.Unlock()
	if h.Session == 0 {
		// The client now tells of the expiry, which ends this generation.
		return nil
	}
	if h.Timeout <= 0 {
		return fmt.Errorf("the server grants a session timeout of %v", h.Timeout)
	}
	id := c.s.ID()
	if id != 0 && h.Session != id {
		// The server does not know our session, and has opened another. What
		// our session had is gone, or goes without a word to us.
		err := fmt.Errorf("%w: it has opened session %s in its place", ErrExpired, sessionID(h.Session))
		c.s.end(err)
		return err
	}
	c.proven.Store(id == 0) // a quorum has made the session, unless servers keep it local
	c.s.granted(h, helloAt)
	if len(c.s.m.cfg.Auth) > 0 {
		return nil
	}
	return c.ready()
}

// noteAnswer notes how large a request the server has taken.
func (c *conn) noteAnswer(xid int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered = true
	size := c.sent[xid].size
	if xid == wire.XidSetWatches && len(c.rewatches) > 0 { // they are answered in order
		size, c.rewatches = c.rewatches[0], c.rewatches[1:]
	}
	c.taken = max(c.taken, size)
}

// tellProgress is called once, when the connection ends, unless the session
// has ended it.
func (c *conn) tellProgress() {
	c.mu.Lock()
	shaken, answered, taken := c.shaken, c.answered, c.taken
	lost := 0
	for _, size := range c.rewatches {
		lost = max(lost, size)
	}
	for _, r := range c.sent {
		lost = max(lost, r.size)
	}
	c.mu.Unlock()
	if shaken && c.s.sealCtx.Err() == nil {
		c.s.m.connectionEnded(c.server.addr, answered, taken, lost)
	}
}

// setWatchesAgain sends the watches of the session on a new connection. It is
// called by the goroutine that reads, before the client may send anything but
// its credentials: those come first, since a server tells nobody of nodes that
// they may not read.
func (c *conn) setWatchesAgain() error {
	frames := c.s.armed.frames(c.helloZxid, c.s.m.progress.rewatchLimit(c.s.m.cfg.MaxRequest))
	c.mu.Lock()
	for _, frame := range frames {
		c.rewatches = append(c.rewatches, len(frame)-4)
	}
	c.mu.Unlock()
	for _, frame := range frames {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(c.patience)); err != nil {
			return err
		}
		if err := c.write(frame); err != nil {
			return err
		}
	}
	return c.Conn.SetWriteDeadline(time.Time{})
}
