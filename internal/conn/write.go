package conn

import (
	"crypto/tls"
	"net"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/wire"
)

// maxBatch is up to how many bytes of requests leave in one write. A larger request
// leaves alone.
const maxBatch = 32 << 10

// Send sends calls. They leave in their order, and in one write if they fit. Send does
// not block. On a closed connection the calls are Unsent: they end on the caller's
// goroutine before Send returns.
//
// The queue has no bound: each request in it belongs to a caller that waits.
func (c *Conn) Send(calls ...*Call) { c.Enqueue(calls...).Write() }

// SendBehind is Send for callers that hold a lock: another goroutine writes.
func (c *Conn) SendBehind(calls ...*Call) {
	if q := c.Enqueue(calls...); q.start {
		c.cfg.Go(c.flush)
	}
}

// Queued is what is left to do after Enqueue.
type Queued struct {
	c      *Conn
	start  bool // no goroutine writes what is queued
	direct bool // the caller may write it
}

// Write has what is queued written, on this goroutine if that does not block.
func (q Queued) Write() {
	switch {
	case q.direct && q.c.tryWriter():
		if q.c.flushSome() {
			q.c.cfg.Go(q.c.flush)
		}
	case q.start:
		q.c.cfg.Go(q.c.flush)
	}
}

// SendFirst is Send of a call that leaves before the others that are queued, but behind
// those that set watches again. It is for what must not wait for a backlog.
func (c *Conn) SendFirst(call *Call) { c.enqueue(true, call).Write() }

// Enqueue is the first half of Send, for callers that hold a lock: it fixes the place of
// the calls in the stream. Write is the other half, and must follow.
func (c *Conn) Enqueue(calls ...*Call) Queued { return c.enqueue(false, calls...) }

// enqueue puts calls into the queue, at its end or first.
func (c *Conn) enqueue(first bool, calls ...*Call) Queued {
	c.mu.Lock()
	for _, call := range calls {
		call.conn = c
	}
	if !c.isClosed {
		at := len(c.queue)
		if first {
			at = 0
			for at < len(c.queue) && c.queue[at].op.SetsWatches() {
				at++
			}
		}
		c.queue = slices.Insert(c.queue, at, calls...)
		start := c.due()
		direct := start && c.drained(calls)
		c.flushing = c.flushing || start
		c.mu.Unlock()
		return Queued{c, start, direct}
	}
	for _, call := range calls {
		call.end(Unsent)
	}
	c.mu.Unlock()
	for _, call := range calls {
		call.tell()
	}
	return Queued{c: c}
}

// maxDirect is up to how many bytes of requests the goroutine of the sender writes.
const maxDirect = 4 << 10

// drained reports whether the sender's goroutine may write the calls, which saves the
// switch to another goroutine. The server has answered, and so has read, all earlier
// requests: a small request fits into the empty buffer of the socket, and the write does
// not block. The caller holds mu.
func (c *Conn) drained(calls []*Call) bool {
	if !c.buffered || len(c.sent) > 0 || len(c.pings) > 0 {
		return false
	}
	size := 0
	for _, call := range calls {
		size += call.size
	}
	return size <= maxDirect
}

// isBuffered reports whether a connection is a socket, or TLS on one.
func isBuffered(inner net.Conn) bool {
	if secured, ok := inner.(*tls.Conn); ok {
		inner = secured.NetConn()
	}
	switch inner.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// withdraw takes back a call whose caller has stopped waiting, and returns what became
// of the call so far.
func (c *Conn) withdraw(call *Call) Fate {
	c.mu.Lock()
	switch {
	case call.stage == ended:
		fate := call.fate
		c.mu.Unlock()
		<-call.done // it is being told
		return fate
	case call.stage == written:
		c.mu.Unlock()
		return Lost
	}
	call.end(Unsent)
	if c.dropped++; c.dropped > 64 && c.dropped > len(c.queue)/2 {
		c.queue = slices.DeleteFunc(c.queue, func(call *Call) bool { return call.stage == ended })
		c.dropped = 0
	}
	c.mu.Unlock()
	call.tell()
	return Unsent
}

// flush writes what is queued, until nothing is.
func (c *Conn) flush() {
	for c.lockWriter() && c.flushSome() {
	}
}

// flushSome writes what leaves next, and gives the right to write back. It reports
// whether more is queued.
func (c *Conn) flushSome() (more bool) {
	batch, frames := c.take()
	if len(batch) == 0 {
		c.unlockWriter()
		return false
	}
	n, err := c.write(frames)
	more = c.wrote(batch, n)
	c.unlockWriter()
	if err != nil {
		c.Fail(err)
		return false
	}
	return more
}

// lockWriter waits for the right to write. It returns false once the connection is
// closed.
func (c *Conn) lockWriter() bool {
	select {
	case c.writing <- struct{}{}:
		return true
	case <-c.closed:
		return false
	}
}

// tryWriter is lockWriter that does not wait.
func (c *Conn) tryWriter() bool {
	select {
	case c.writing <- struct{}{}:
		return true
	default:
		return false
	}
}

func (c *Conn) unlockWriter() { <-c.writing }

// part is a call of a batch, with the end of its request in the batch.
type part struct {
	call *Call
	end  int
}

// maxUnanswered is up to how many bytes of requests the server has to answer at a time.
// What is written lies before every later ping and proof, and cannot be withdrawn. A
// larger request leaves once all others are answered.
const maxUnanswered = 1 << 20

// room reports whether a request may leave now. The caller holds mu.
func (c *Conn) room(call *Call) bool {
	return c.unanswered == 0 || c.unanswered+call.size <= maxUnanswered
}

// due reports whether somebody has to begin writing what is queued. The caller holds mu.
func (c *Conn) due() bool {
	return !c.flushing && !c.isClosed && len(c.queue) > 0 && (c.queue[0].stage == ended || c.room(c.queue[0]))
}

// take numbers the calls that leave next. The caller may write, so they are answered
// in this order.
func (c *Conn) take() (batch []part, frames []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.batch++
	var i int
	for i = 0; i < len(c.queue); i++ {
		call := c.queue[i]
		if call.stage == ended {
			c.dropped--
			continue
		}
		if !c.room(call) || len(batch) > 0 && len(frames)+len(call.frame) > maxBatch {
			break
		}
		c.unanswered += call.size
		call.stage, call.batch, call.at, call.xid = written, c.batch, now, c.nextXid()
		wire.SetXid(call.frame, call.xid)
		c.sent = append(c.sent, call)
		if len(batch) == 0 {
			frames = call.frame[:len(call.frame):len(call.frame)]
		} else {
			frames = append(frames, call.frame...)
		}
		batch = append(batch, part{call, len(frames)})
	}
	c.queue = slices.Delete(c.queue, 0, i)
	c.flushing = len(batch) > 0
	c.busy = c.flushing
	return batch, frames
}

// nextXid returns the number of the next request. The caller holds mu.
func (c *Conn) nextXid() int32 {
	if c.xid++; c.xid < firstXid { // after two billion
		c.xid = firstXid
	}
	return c.xid
}

// write writes frames, whole unless there is an error, and returns how many bytes have
// left. The caller may write.
func (c *Conn) write(frames []byte) (int, error) {
	// An error of the deadline is dropped: the write then fails for the same reason.
	_ = c.Conn.SetWriteDeadline(time.Now().Add(c.limit()))
	return c.Conn.Write(frames)
}

// wrote notes that n bytes of a batch have left. It ends the calls whose requests have
// not left whole, since no server executes part of a request; and, if the connection is
// closed, the others too, which Close has left to this. It reports whether more is
// queued.
func (c *Conn) wrote(batch []part, n int) (more bool) {
	var over []*Call
	c.mu.Lock()
	c.busy = false
	for _, p := range batch {
		switch {
		case p.call.stage == ended:
			continue
		case p.end > n:
			c.unanswered -= p.call.size
			p.call.end(Unsent)
		case c.isClosed:
			p.call.end(Lost)
		default:
			continue
		}
		over = append(over, p.call)
	}
	if len(over) > 0 {
		c.sent = slices.DeleteFunc(c.sent, func(call *Call) bool { return call.stage == ended })
	}
	more = len(c.queue) > 0
	c.flushing = more
	c.mu.Unlock()
	for _, call := range over {
		call.tell()
	}
	return more
}

// Write sends a frame of the client, which writes each with a single call: the hello,
// pings, the goodbye.
func (c *Conn) Write(frame []byte) (int, error) {
	if !c.lockWriter() {
		return 0, net.ErrClosed
	}
	defer c.unlockWriter()
	c.mu.Lock()
	if c.helloAt.IsZero() {
		wire.SetHelloZxid(frame, c.cfg.Owner.Greeting())
		c.helloAt = time.Now()
	} else if req, ok := wire.ParseRequest(frame); ok {
		// The time is taken before the write, since the server may have the frame
		// at any moment after.
		if req.Xid == wire.XidPing {
			c.pings = append(c.pings, time.Now())
		} else {
			c.sent = append(c.sent, &Call{op: req.Op, stage: written, xid: req.Xid, at: time.Now(), size: wire.Size(frame), client: true})
		}
	}
	c.mu.Unlock()
	n, err := c.write(frame)
	if err != nil {
		c.Fail(err)
	}
	return n, err
}
