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

// conn stands between the client and the network. It forwards frames in order,
// and learns from them what the client does not tell:
//
//   - when the newest request was written whose answer proves that the
//     ensemble's leader had it: the session's trust deadline counts from that
//     instant. Watch events prove nothing, since a server may send them while
//     none of our frames arrives any more. Nor do answers to pings and reads: a
//     server that has lost its leader goes on giving them for several ticks,
//     while the leader expires the session. So conn sends a sync along with
//     each ping of the client.
//   - which timeout was granted, and whether the server says that the session
//     is over;
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
	addr     string        // as dialled, for messages
	patience time.Duration // for the handshake

	r       *bufio.Reader
	buf     []byte // the frame that pending is a part of
	pending []byte // read from the network, not yet by the client

	closeOnce sync.Once

	mu        sync.Mutex
	shaken    bool // the handshake is over
	timeout   time.Duration
	helloAt   time.Time
	helloZxid int64 // the newest transaction that the client has seen before this connection
	creds     int   // how many credentials the server has answered
	sent      map[int32]sentRequest
	beats     int32 // how many syncs of our own were sent
}

type sentRequest struct {
	request
	at time.Time
}

func newConn(inner net.Conn, s *Session, addr string, patience time.Duration) *conn {
	return &conn{
		Conn: inner, s: s, addr: addr, patience: patience,
		r:    bufio.NewReaderSize(inner, 32<<10),
		sent: make(map[int32]sentRequest),
	}
}

// Write sends one frame: the client writes each with a single call. Its time
// is taken before, since the server may have it at any moment after.
func (c *conn) Write(frame []byte) (int, error) {
	now := time.Now()
	var req request
	var beat []byte
	var made *underway
	c.mu.Lock()
	switch {
	case c.helloAt.IsZero():
		c.helloAt, c.helloZxid = now, parseHello(frame)
	default:
		var ok bool
		if req, ok = parseRequest(frame); ok {
			if req.xid == xidPing {
				req = request{xid: xidBeat - c.beats, op: opSync}
				beat = beatFrame(req.xid)
				c.beats++
			}
			if req.op == opCreate {
				if made = c.s.creates.find(req.path); made != nil && made.withStat {
					req.op = opCreate2
				}
			}
			c.sent[req.xid] = sentRequest{req, now}
		}
	}
	c.mu.Unlock()

	out := frame
	switch {
	case req.watch:
		out = takeMark(frame, req)
	case req.op == opCreate2:
		out = withStat(frame)
	}
	if beat != nil {
		// The sync goes first: a server that has lost its leader then does not
		// answer the ping behind it, and the client looks for another.
		out = append(beat, frame...)
	}
	if _, err := c.Conn.Write(out); err != nil {
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

// Read hands out whole frames, as much of one as p takes.
func (c *conn) Read(p []byte) (int, error) {
	for len(c.pending) == 0 {
		frame, err := readFrame(c.r, c.buf)
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

// Close closes the connection; it may be called more than once.
func (c *conn) Close() error {
	err := net.ErrClosed
	c.closeOnce.Do(func() {
		c.s.forget(c)
		err = c.Conn.Close()
	})
	return err
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
	r, err := parseReply(frame)
	if err != nil {
		return false, err
	}
	switch r.xid {
	case xidEvent:
		c.s.armed.fired(r.event, r.path)
		return false, nil
	case xidRewatch:
		if r.code != 0 {
			return true, fmt.Errorf("the server refuses to set watches again (error code %d)", r.code)
		}
		return true, nil
	case xidPing:
		return false, nil
	}
	return r.xid <= xidBeat, c.learnReply(r, frame)
}

func (c *conn) learnReply(r reply, frame []byte) error {
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
	case r.provesLeader(req.op):
		c.s.heard(req.at, c.timeout)
	}
	switch {
	case req.watch:
		c.s.armed.set(req.request, r.code)
	case req.op == opCreate2 && r.code == 0:
		made := c.s.creates.find(req.path)
		if made == nil {
			break // nobody waits for it any more
		}
		var ok bool
		if made.czxid, ok = createdZxid(frame); !ok {
			return errors.New("the server sent the path of a node it has made without its stat")
		}
	}
	if req.op == opSetAuth {
		if c.creds++; c.creds == len(c.s.m.cfg.Auth) {
			return c.setWatchesAgain()
		}
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
	if err := c.s.granted(h, helloAt); err != nil || len(c.s.m.cfg.Auth) > 0 {
		return err
	}
	return c.setWatchesAgain()
}

// setWatchesAgain sends the watches of the session on a new connection. It is
// called by the goroutine that reads, before the client may send anything but
// its credentials: those come first, since a server tells nobody of nodes that
// they may not read.
func (c *conn) setWatchesAgain() error {
	for _, frame := range c.s.armed.frames(c.helloZxid) {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(c.patience)); err != nil {
			return err
		}
		if _, err := c.Conn.Write(frame); err != nil {
			return err
		}
	}
	return c.Conn.SetWriteDeadline(time.Time{})
}
