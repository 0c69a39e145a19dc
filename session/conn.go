package session

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// conn stands between the client and the network. It forwards every frame
// unchanged and in order, and learns from them what the client does not tell:
//
//   - when the newest request was written that the server has answered. The
//     server had heard from us after that instant, so the session's trust
//     deadline counts from it. Watch events prove nothing: a server may send
//     them while none of our frames arrives any more.
//   - which timeout was granted, and whether the server says that the session
//     is over;
//   - when a create has gone out, so that a list can follow right behind it.
//
// It also shortens the client's patience (see SetReadDeadline), refuses frames
// that would make the client panic, and closes a race of the client's that
// could lose a watch (see heldBack).
type conn struct {
	net.Conn
	s        *Session
	addr     string        // as dialled, for messages
	rewatch  bool          // the client will send its watches again on this connection
	patience time.Duration // for the handshake

	r       *bufio.Reader
	buf     []byte // the frame that pending is a part of
	pending []byte // read from the network, not yet by the client

	closeOnce sync.Once
	closed    chan struct{}
	rewatched chan struct{} // closed when the watches of the session have been sent again

	mu         sync.Mutex
	shaken     bool // the handshake is over
	timeout    time.Duration
	helloAt    time.Time
	sent       map[int32]sentRequest
	pings      []time.Time
	rewatching sync.Once
}

type sentRequest struct {
	request
	at time.Time
}

func newConn(inner net.Conn, s *Session, addr string, patience time.Duration) *conn {
	return &conn{
		Conn: inner, s: s, addr: addr, patience: patience,
		// Between two connections no watch comes or goes.
		rewatch:   !s.clientWatches.empty(),
		r:         bufio.NewReaderSize(inner, 32<<10),
		closed:    make(chan struct{}),
		rewatched: make(chan struct{}),
		sent:      make(map[int32]sentRequest),
	}
}

// Write sends one frame: the client writes each with a single call. Its time
// is taken before, since the server may have it at any moment after.
func (c *conn) Write(frame []byte) (int, error) {
	now := time.Now()
	var req request
	c.mu.Lock()
	switch {
	case c.helloAt.IsZero():
		c.helloAt = now
	default:
		var ok bool
		if req, ok = parseRequest(frame); ok {
			if req.xid == xidPing {
				c.pings = append(c.pings, now)
			} else {
				c.sent[req.xid] = sentRequest{req, now}
			}
		}
	}
	c.mu.Unlock()

	n, err := c.Conn.Write(frame)
	if err != nil {
		c.Close()
		return n, err
	}
	switch req.op {
	case opCreate:
		c.s.announceCreate(req.path)
	case opSetWatches:
		c.rewatching.Do(func() { close(c.rewatched) })
	}
	return n, nil
}

// Read hands out whole frames, as much of one as p takes.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.pending) == 0 {
		frame, err := readFrame(c.r, c.buf)
		if err == nil {
			c.buf = frame
			err = c.learn(frame)
		}
		if err != nil {
			// The client would first wait for its sender, which may hang in a
			// Write: closing ends that at once.
			c.Close()
			c.handshakeFailed(err)
			return 0, err
		}
		c.pending = frame
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// Close closes the connection; it may be called more than once.
func (c *conn) Close() error {
	err := net.ErrClosed
	c.closeOnce.Do(func() {
		close(c.closed)
		c.s.forget(c)
		err = c.Conn.Close()
	})
	return err
}

// SetReadDeadline shortens what the client asks for. In the handshake it would
// wait for almost seven session timeouts, on a server that hangs while others
// are well. Later it would wait for two thirds of the timeout: 7/12 leave a
// ping, sent each third, a quarter of the timeout to be answered, and a sixth
// until the trust deadline to find another server.
func (c *conn) SetReadDeadline(t time.Time) error {
	if !t.IsZero() {
		c.mu.Lock()
		limit := c.patience
		if c.shaken {
			limit = c.timeout * 7 / 12
		}
		c.mu.Unlock()
		if latest := time.Now().Add(limit); t.After(latest) {
			t = latest
		}
	}
	return c.Conn.SetReadDeadline(t)
}

// learn takes from a frame of the server what the session wants to know.
func (c *conn) learn(frame []byte) error {
	c.mu.Lock()
	shaken := c.shaken
	c.mu.Unlock()
	if !shaken {
		return c.learnHandshake(frame)
	}
	r, err := parseReply(frame)
	if err != nil {
		return err
	}
	switch {
	case r.xid == xidEvent:
		c.s.clientWatches.fired(r.event, r.path)
		return nil
	case r.xid == xidPing:
		c.mu.Lock()
		var at time.Time
		if len(c.pings) > 0 { // pings are answered in their order
			at, c.pings = c.pings[0], c.pings[1:]
		}
		c.mu.Unlock()
		if !at.IsZero() {
			c.s.heard(at, c.timeout)
		}
		return nil
	}
	c.mu.Lock()
	req, known := c.sent[r.xid]
	delete(c.sent, r.xid)
	c.mu.Unlock()
	if !known {
		return nil
	}
	switch {
	case r.code == codeSessionExpired:
		c.s.end(ErrExpired)
	case r.code == codeSessionMoved, req.op == opSetAuth:
		// Neither is proof that the session was touched: the server refuses
		// the one, and handles the other outside of the session.
	default:
		c.s.heard(req.at, c.timeout)
	}
	if c.heldBack(r) {
		select {
		case <-c.rewatched:
		case <-c.closed:
			return net.ErrClosed
		}
	}
	if req.watch {
		c.s.clientWatches.set(req.request, r.code)
	}
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
	case errors.Is(err, io.EOF):
		err = errors.New("the server closed the connection")
	}
	c.s.m.dialFailed(fmt.Errorf("handshake with %s: %w", c.addr, err))
}

func (c *conn) learnHandshake(frame []byte) error {
	h, err := parseHandshake(frame)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.shaken = true
	c.timeout = h.timeout
	helloAt := c.helloAt
	c.mu.Unlock()
	if h.session == 0 {
		// The client now tells of the expiry, which ends this generation.
		return nil
	}
	return c.s.granted(h, helloAt)
}

// heldBack reports whether a reply must wait until the client has sent its
// watches again. After a reconnection the client tells the server up to which
// zxid it has seen changes, but reads that number without a lock while the
// goroutine that receives replies may already move it on: a change made during
// the disconnection could then be taken for seen, and its watch event be lost.
// Replies without a zxid do not move the number, and must pass: the client
// waits for those to its credentials first.
func (c *conn) heldBack(r reply) bool {
	return c.rewatch && r.zxid > 0
}
