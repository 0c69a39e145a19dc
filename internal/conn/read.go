package conn

import (
	"fmt"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/wire"
)

// Read gives the client only its own frames: the handshake and the answer to
// its goodbye. The client calls it on one goroutine, which also processes all
// other frames.
func (c *Conn) Read(p []byte) (int, error) {
	for len(c.pending) == 0 {
		frame, dropped, err := c.next()
		if err == nil {
			c.pending, err = c.learn(frame, dropped)
		}
		if err != nil {
			c.Fail(err)
			<-c.ended // the client dials again once this returns
			return 0, err
		}
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// next reads a frame into newly allocated memory. Of an answer that is larger
// than its call allows, next keeps the header, and returns how many bytes it has
// dropped.
func (c *Conn) next() (frame []byte, dropped int, err error) {
	// An error of SetReadDeadline is ignored: the read then fails for the same
	// reason.
	_ = c.Conn.SetReadDeadline(time.Now().Add(c.limit()))
	return wire.ReadReply(c.r, c.replyLimit)
}

// replyLimit returns how large the answer with an xid may be, or zero.
func (c *Conn) replyLimit(xid int32) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.sent {
		if call.xid == xid {
			return call.limit
		}
	}
	return 0
}

// learn processes a frame. dropped is how many of its bytes are missing. learn
// returns the frame if it is the client's.
func (c *Conn) learn(frame []byte, dropped int) ([]byte, error) {
	if !c.shaken { // only this goroutine changes it
		return frame, c.learnHandshake(frame)
	}
	r, err := wire.ParseReply(frame)
	if err != nil {
		return nil, err
	}
	r.Dropped = dropped
	switch r.Xid {
	case wire.XidEvent:
		c.cfg.Owner.Event(r.Event, r.Path)
		return nil, nil
	case wire.XidPing:
		c.learnPing()
		return nil, nil
	}
	return c.learnReply(r, frame)
}

func (c *Conn) learnHandshake(frame []byte) error {
	h, err := wire.ParseHandshake(frame)
	if err != nil {
		return err
	}
	if h.Session != 0 && h.Timeout <= 0 {
		return fmt.Errorf("the server granted a session timeout of %v, which is not positive", h.Timeout)
	}
	c.mu.Lock()
	c.shaken, c.timeout = true, h.Timeout
	helloAt := c.helloAt
	c.mu.Unlock()
	if err := c.cfg.Owner.Granted(c, h, helloAt); err != nil || h.Session == 0 {
		return err
	}
	return c.login()
}

// learnPing matches an answer with the oldest ping.
func (c *Conn) learnPing() {
	c.mu.Lock()
	if len(c.pings) == 0 {
		c.mu.Unlock()
		return
	}
	at := c.pings[0]
	c.pings = c.pings[1:]
	c.mu.Unlock()
	c.cfg.Owner.Pinged(c, at)
}

func (c *Conn) learnReply(r wire.Reply, frame []byte) ([]byte, error) {
	c.mu.Lock()
	if c.isClosed { // the call has ended too
		c.mu.Unlock()
		return nil, nil
	}
	call, err := c.match(r)
	if err != nil {
		c.mu.Unlock()
		return nil, err
	}
	c.traffic.Answered = true
	c.traffic.Taken = max(c.traffic.Taken, call.size)
	if call.client {
		c.mu.Unlock()
		return frame, nil
	}
	call.reply = r
	call.end(Answered)
	c.unanswered -= call.size
	start := c.due() // queued calls that had no room
	c.flushing = c.flushing || start
	c.mu.Unlock()
	if start {
		c.cfg.Go(c.flush)
	}
	c.cfg.Owner.Answered(c, call)
	call.tell()
	return nil, nil
}

// match finds the call that an answer belongs to. It is the oldest call,
// because a server answers the requests of a session in their order. The
// exceptions are errors for which the server asks no quorum (wire.Code.Early).
// The caller holds mu.
func (c *Conn) match(r wire.Reply) (*Call, error) {
	i := slices.IndexFunc(c.sent, func(call *Call) bool { return call.xid == r.Xid })
	switch {
	case i < 0:
		return nil, fmt.Errorf("the server answered request %d, which does not wait for an answer", r.Xid)
	case i > 0 && !r.Code.Early(c.sent[i].op):
		return nil, fmt.Errorf("the server answered request %d before request %d, which was sent earlier", r.Xid, c.sent[0].xid)
	}
	call := c.sent[i]
	if i == 0 {
		c.sent[0] = nil
		c.sent = c.sent[1:]
	} else {
		c.sent = slices.Delete(c.sent, i, i+1)
	}
	return call, nil
}
