package conn

import (
	"context"
	"time"

	"github.com/docent-go/docent/internal/wire"
)

// Fate is the outcome of a call.
type Fate uint8

// A call is Pending until it has ended.
const (
	Pending Fate = iota
	// Answered: Reply holds the server's answer.
	Answered
	// Unsent: the request was not written, or not as a whole, and never will
	// be. The server has not executed it.
	Unsent
	// Lost: the request was written, and its caller has stopped waiting, or no
	// answer can come. The server may have executed it, or may execute it
	// later.
	Lost
	// Unreadable: the server has answered, and the answer cannot be read: Err
	// has the reason. The server may have executed the request. The answer
	// proves nothing, and ends the connection.
	Unreadable
)

// Call is one request under way:
//
//	           Send           the writer takes it        answer
//	new ─────────────▶ queued ──────────────────▶ written ──────▶ Answered, or Unreadable
//	                     │                          │
//	                     │ withdrawn, or closed     │ closed
//	                     ▼                          ▼
//	                   Unsent                      Lost
//
// A call whose caller stops waiting after the write stays written. Its answer
// still tells whether a quorum has committed the request, and whether the
// request left a watch.
type Call struct {
	op    wire.Op
	frame []byte
	then  func(*Call)
	done  chan struct{}
	conn  *Conn
	limit int // of the answer, in bytes; 0: the MaxReply of the connection

	// Guarded by the connection's mu until the call has ended, and constant
	// afterwards.
	stage  stage
	batch  int // the batch in which it was written
	xid    int32
	at     time.Time
	fate   Fate
	reply  wire.Reply
	err    error  // of an Unreadable call
	order  uint64 // of its write among the requests of the connection
	size   int    // of the request, in bytes
	client bool   // the request is the client's
}

type stage uint8

const (
	queued stage = iota
	written
	ended
)

// NewCall returns a call for a request, whose frame was made by package wire.
// The call owns the frame from now on.
//
// then may be nil. It is called once, when the call ends. For an answer, it
// runs on the goroutine that reads, in the order of the stream, before the next
// event or answer is processed. It must not block.
func NewCall(frame []byte, then func(*Call)) *Call {
	request, _ := wire.ParseRequest(frame)
	return &Call{op: request.Op, frame: frame, size: wire.Size(frame), then: then, done: make(chan struct{})}
}

// LimitReply bounds the memory of the answer. Of an answer with more than n
// bytes, the connection keeps the header alone: wire.Reply.Dropped is not zero
// then. Call LimitReply before the call is sent.
func (c *Call) LimitReply(n int) { c.limit = n }

// Done returns a channel that is closed when the call has ended.
func (c *Call) Done() <-chan struct{} { return c.done }

// Op returns the kind of the request.
func (c *Call) Op() wire.Op { return c.op }

// Conn returns the connection that the call was sent on.
func (c *Call) Conn() *Conn { return c.conn }

// Fate returns the outcome of a call that has ended.
func (c *Call) Fate() Fate { return c.fate }

// Reply returns the answer of a call that was Answered.
func (c *Call) Reply() wire.Reply { return c.reply }

// Err returns the reason why the answer of an Unreadable call cannot be read.
func (c *Call) Err() error { return c.err }

// Proves reports whether the call has an answer which implies that a quorum has
// committed the request.
func (c *Call) Proves() bool { return c.fate == Answered && c.reply.ProvesQuorum(c.op) }

// WrittenAt returns an instant before the request was written.
func (c *Call) WrittenAt() time.Time { return c.at }

// Await waits until the call has ended, ctx ends or over is closed, and returns
// the fate of the call. If the request was not written by then, Await withdraws
// it: it becomes Unsent and is never written.
func (c *Call) Await(ctx context.Context, over <-chan struct{}) Fate {
	select {
	case <-c.done:
		return c.fate
	default:
	}
	select {
	case <-c.done:
		return c.fate
	case <-ctx.Done():
	case <-over:
	}
	return c.conn.withdraw(c)
}

// end marks the call as ended. The caller holds the connection's mu, and calls
// tell later.
func (c *Call) end(fate Fate) {
	c.stage, c.fate, c.frame = ended, fate, nil
}

// tell runs then and closes done. The client learns of its own calls by reading.
func (c *Call) tell() {
	if c.client {
		return
	}
	if c.then != nil {
		c.then(c)
	}
	close(c.done)
}
