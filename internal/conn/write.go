package conn

import (
	"crypto/tls"
	"net"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/wire"
)

// maxBatch is the greatest number of request bytes in one write. A larger
// request is written alone.
const maxBatch = 32 << 10

// Send sends calls. They are written in their order, and in one write if they
// fit. Send does not block. On a closed connection the calls are Unsent, and
// end on the caller's goroutine before Send returns.
//
// The queue has no bound: each request in it belongs to a caller that waits.
func (c *Conn) Send(calls ...*Call) { c.Enqueue(calls...).Write() }

// SendBehind is Send for callers that hold a lock: another goroutine does the
// write.
func (c *Conn) SendBehind(calls ...*Call) {
	if q := c.Enqueue(calls...); q.start {
		c.cfg.Go(c.flush)
	}
}

// Queued is the work that is left after Enqueue.
type Queued struct {
	c      *Conn
	start  bool // no goroutine writes the queue
	direct bool // the caller may write the queue itself
}

// Write starts the write of the queue, on this goroutine if that does not
// block.
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

// SendFirst is Send for a call that must not wait for a backlog. The call is
// written before all other queued calls, except the calls that set watches
// again.
func (c *Conn) SendFirst(call *Call) { c.enqueue(true, call).Write() }

// Enqueue is the first half of Send, for callers that hold a lock. It fixes the
// position of the calls in the stream. The caller must call Write, the second
// half, afterwards.
func (c *Conn) Enqueue(calls ...*Call) Queued { return c.enqueue(false, calls...) }

// enqueue inserts calls at the end of the queue, or first.
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

// maxDirect is the greatest number of request bytes that the sender's goroutine
// writes itself.
const maxDirect = 4 << 10

// drained reports whether the sender's goroutine may write the calls, which
// saves a switch of goroutines. The server has answered all earlier requests,
// so it has read them. The buffer of the socket is empty, and the write of a
// small request does not block. The caller holds mu.
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

// isBuffered reports whether a connection is a socket, or TLS on a socket.
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

// withdraw withdraws a call whose caller has stopped waiting, and returns the
// fate of the call so far.
func (c *Conn) withdraw(call *Call) Fate {
	c.mu.Lock()
	switch {
	case call.stage == ended:
		fate := call.fate
		c.mu.Unlock()
		<-call.done // its tell is still running
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

// flush writes until the queue is empty.
func (c *Conn) flush() {
	for c.lockWriter() && c.flushSome() {
	}
}

// flushSome writes the next batch, and releases the right to write. It reports
// whether more calls are queued.
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

// lockWriter waits for the right to write. It returns false if the connection
// is closed.
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

// maxUnanswered is the greatest number of request bytes without an answer.
// Written requests delay every later ping and proof, and cannot be withdrawn. A
// larger request is written when all others are answered.
const maxUnanswered = 1 << 20

// room reports whether a request may be written now. The caller holds mu.
func (c *Conn) room(call *Call) bool {
	return c.unanswered == 0 || c.unanswered+call.size <= maxUnanswered
}

// due reports whether the queue has to be written and no goroutine does so. The
// caller holds mu.
func (c *Conn) due() bool {
	return !c.flushing && !c.isClosed && len(c.queue) > 0 && (c.queue[0].stage == ended || c.room(c.queue[0]))
}

// take removes the next batch from the queue and numbers its calls. The caller
// has the right to write, so the answers come in this order.
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
		c.order++
		call.order = c.order
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

// sentPing is a ping that is not answered yet.
type sentPing struct {
	at    time.Time
	order uint64 // of the last request before it
}

// write writes frames, as a whole unless it returns an error, and returns how
// many bytes were written. The caller has the right to write.
func (c *Conn) write(frames []byte) (int, error) {
	// An error of SetWriteDeadline is ignored: the write then fails for the
	// same reason.
	_ = c.Conn.SetWriteDeadline(time.Now().Add(c.limit()))
	return c.Conn.Write(frames)
}

// wrote notes that n bytes of a batch were written. It ends the calls whose
// requests were not written as a whole, since no server executes part of a
// request. If the connection is closed, it also ends the other calls of the
// batch, which Close has skipped. It reports whether more calls are queued.
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

// Write sends a frame of the client: the hello, a ping, the goodbye. The client
// writes each frame in a single call.
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
		// The time is read before the write, because the server may get the
		// frame at any moment afterwards.
		if req.Xid == wire.XidPing {
			c.pings = append(c.pings, sentPing{time.Now(), c.order})
		} else {
			c.order++
			c.sent = append(c.sent, &Call{op: req.Op, stage: written, xid: req.Xid, at: time.Now(), size: wire.Size(frame), order: c.order, client: true})
		}
	}
	c.mu.Unlock()
	n, err := c.write(frame)
	if err != nil {
		c.Fail(err)
	}
	return n, err
}
