package conn

import (
	"errors"
	"fmt"
	"math"
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
		} else if large := new(wire.FrameTooLargeError); errors.As(err, &large) {
			c.learnTooLarge(large)
		}
		if err != nil {
			c.Fail(err)
			if c.unreadable != nil {
				c.unreadable.tell() // now, so that its caller does not use this connection again
			}
			<-c.ended // the client dials again once this returns
			return 0, err
		}
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// next reads a frame into newly allocated memory. The first frame is small,
// whatever a server claims that has not shown that it is one. Of an answer that
// is larger than its call allows, next keeps the header, and returns how many
// bytes it has dropped.
func (c *Conn) next() (frame []byte, dropped int, err error) {
	// An error of SetReadDeadline is ignored: the read then fails for the same
	// reason.
	_ = c.Conn.SetReadDeadline(time.Now().Add(c.limit()))
	if !c.shaken { // only this goroutine changes it
		frame, err := wire.ReadFrame(c.r, wire.MaxHandshake)
		return frame, 0, err
	}
	return wire.ReadReply(c.r, c.cfg.MaxReply, c.replyLimit)
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
	if !c.shaken {
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
		return nil, c.learnPing()
	}
	return c.learnReply(r, frame)
}

func (c *Conn) learnHandshake(frame []byte) error {
	h, err := wire.ParseHandshake(frame)
	if err != nil {
		return err
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

// learnPing matches an answer with the oldest ping. A server executes the pings
// and the requests of a session in their order. So if a request is older than
// the ping and is not answered yet, it never will be: its caller would wait for
// ever.
func (c *Conn) learnPing() error {
	c.mu.Lock()
	if len(c.pings) == 0 {
		c.mu.Unlock()
		return nil
	}
	answered := c.pings[0]
	c.pings = c.pings[1:]
	if len(c.sent) > 0 && c.sent[0].order <= answered.order && !c.isClosed {
		xid := c.sent[0].xid
		c.mu.Unlock()
		return fmt.Errorf("the server answered a ping before request %d, which was sent earlier", xid)
	}
	c.mu.Unlock()
	c.cfg.Owner.Pinged(c, answered.at)
	return nil
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
	if err := r.Readable(call.op); err != nil {
		c.endUnreadable(call, err)
		c.mu.Unlock()
		return nil, err
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

// endUnreadable ends a call whose answer cannot be read. The caller holds mu.
// Read ends the connection, and then tells the call.
func (c *Conn) endUnreadable(call *Call, err error) {
	call.err = err
	call.end(Unreadable)
	c.traffic.Unanswered++
	c.unanswered -= call.size
	c.unreadable = call
}

// learnTooLarge gives the call that a too large frame answers its reason. The
// header of the frame is still unread.
func (c *Conn) learnTooLarge(err *wire.FrameTooLargeError) {
	if !c.shaken || err.Size > math.MaxInt32 {
		return
	}
	head, failed := c.r.Peek(wire.ReplyHead)
	if failed != nil {
		return // the connection has ended first
	}
	r, failed := wire.ParseReplyHead(head)
	if failed != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed || len(c.sent) == 0 || c.sent[0].xid != r.Xid || c.sent[0].client {
		return
	}
	if call, failed := c.match(r); failed == nil {
		c.endUnreadable(call, err)
	}
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
