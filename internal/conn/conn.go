package conn

import (
	"bufio"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/wire"
)

// Owner is told what a connection learns. Except for Greeting and Ended, its
// methods are called on the goroutine that reads, in the order of the stream.
// No method may block.
type Owner interface {
	// Greeting returns the newest zxid in the answers that the owner has had.
	// The hello carries it, so that a server that lags behind refuses the
	// session. Greeting is called on the goroutine that writes the hello, under
	// the connection's lock.
	Greeting() (zxid int64)
	// Granted processes the answer to the hello, which was written at the given
	// time. Its error ends the connection.
	Granted(c *Conn, h wire.Handshake, helloAt time.Time) error
	// Refused is told that the server refuses the login or a credential.
	Refused(c *Conn, err error)
	// Watches returns the requests that set the owner's watches again. Opened
	// follows.
	Watches(c *Conn) []*Call
	// Opened is told that the connection is open.
	Opened(c *Conn)
	// Answered is told of each answer to a call, before the call ends, unless
	// the answer is Unreadable.
	Answered(c *Conn, call *Call)
	// Pinged is told that the server has answered the ping that was written at
	// the given time.
	Pinged(c *Conn, at time.Time)
	// Event is told of each event of a watch.
	Event(event wire.Event, path string)
	// Ended is told once that the connection is closed, before its calls end.
	// It runs on the goroutine that closed the connection. The error says why
	// the connection failed. It is nil if Close was called.
	Ended(c *Conn, err error)
}

// Config configures a connection.
type Config struct {
	Owner    Owner
	Patience time.Duration // bounds each step until the connection is open
	MaxReply int           // the maximum size of an answer or event; 0 means wire.MaxReply
	// Login begins a SASL login; nil for no login. ctx bounds the requests that
	// Login makes elsewhere. ctx ends with the connection, and after Patience.
	Login func(ctx context.Context) (Exchange, error)
	Auth  []Credential // presented in this order
	// Go runs a function that ends soon after the connection is closed.
	Go func(func())
	// Closing runs the network's Close, which may hang.
	Closing func(func())
}

// Credential is an entry of Config.Auth.
type Credential struct {
	Scheme string
	Data   []byte
}

// Conn is one connection. The client underneath uses it as its net.Conn; the
// session calls Send. It is safe for concurrent use.
type Conn struct {
	net.Conn
	cfg      Config
	buffered bool // a small write on an idle connection does not block

	// Only the goroutine that reads uses these.
	r          *bufio.Reader
	pending    []byte // the rest of a frame for the client, which it has not read yet
	unreadable *Call  // its answer ends the connection; nil if there is none

	closed  chan struct{}
	ended   chan struct{} // closed when Close has finished
	closing atomic.Bool
	opened  atomic.Bool
	proven  atomic.Bool

	writing chan struct{} // holds a token while a frame is written; not a mutex, so that virtual time goes on during a wait

	mu         sync.Mutex
	isClosed   bool
	shaken     bool // the handshake is over
	timeout    time.Duration
	helloAt    time.Time
	xid        int32
	queue      []*Call // not written yet; some may be withdrawn
	dropped    int     // how many calls of the queue are withdrawn
	flushing   bool    // a goroutine writes the queue
	batch      int     // counts the batches
	busy       bool    // the last batch is being written
	sent       []*Call // written and not answered, in order
	pings      []sentPing
	order      uint64 // counts the requests that were written
	unanswered int    // the bytes of the requests in sent, without the client's
	failure    error  // the error of a read or a write

	traffic Traffic
}

// firstXid is the first xid of the session's requests. The client numbers its
// own requests from one, and sends a single request on a connection, the
// goodbye.
const firstXid = 1 << 10

// readBuffer is how many bytes a connection reads ahead. A larger answer is
// read directly into its own memory.
const readBuffer = 2 << 10

// New returns a connection on top of an established one. The client must use
// nothing but this connection.
func New(inner net.Conn, cfg Config) *Conn {
	if cfg.MaxReply == 0 {
		cfg.MaxReply = wire.MaxReply
	}
	return &Conn{
		Conn: inner, cfg: cfg, buffered: isBuffered(inner),
		r:       bufio.NewReaderSize(inner, readBuffer),
		closed:  make(chan struct{}),
		ended:   make(chan struct{}),
		writing: make(chan struct{}, 1),
		xid:     firstXid,
	}
}

// Closed returns a channel that is closed when the connection is closed.
func (c *Conn) Closed() <-chan struct{} { return c.closed }

// Shaken reports whether the server has answered the hello.
func (c *Conn) Shaken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shaken
}

// Opened reports whether the connection has been open.
func (c *Conn) Opened() bool { return c.opened.Load() }

// Timeout returns the session timeout that the server has granted on this
// connection.
func (c *Conn) Timeout() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.timeout
}

// Proven reports whether a quorum has answered on this connection.
func (c *Conn) Proven() bool { return c.proven.Load() }

// Prove notes that a quorum has answered on this connection. It returns true on
// the first call.
func (c *Conn) Prove() bool { return !c.proven.Swap(true) }

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// Close ends the connection and every call on it. It never blocks: the
// network's own Close may block, so it runs in the background. A call that is
// being written ends with its write, which Close interrupts. Close may be
// called more than once. From the second time on, the error is net.ErrClosed.
func (c *Conn) Close() error {
	if c.closing.Swap(true) {
		<-c.closed // Closing has begun when Close returns
		return net.ErrClosed
	}
	over, failure := c.endAll()
	c.cfg.Closing(func() {
		_ = c.Conn.SetDeadline(longAgo) // a network without deadlines is closed all the same
		_ = c.Conn.Close()
	})
	close(c.closed)
	c.cfg.Owner.Ended(c, failure)
	for _, call := range over {
		call.tell()
	}
	close(c.ended)
	return nil
}

// endAll ends all calls except the calls that are being written. It returns the
// calls that it has ended, and the error of the connection.
func (c *Conn) endAll() (over []*Call, failure error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isClosed = true
	for _, call := range c.queue {
		if call.stage == queued {
			call.end(Unsent)
			over = append(over, call)
		}
	}
	for _, call := range c.sent {
		c.traffic.Lost = max(c.traffic.Lost, call.size)
		if c.busy && call.batch == c.batch {
			continue
		}
		if !call.client {
			c.traffic.Unanswered++
		}
		call.end(Lost)
		over = append(over, call)
	}
	c.queue, c.sent = nil, nil
	return over, c.failure
}

// Fail closes the connection and passes the reason to Owner.Ended. It does not
// block.
func (c *Conn) Fail(err error) {
	c.mu.Lock()
	if c.failure == nil && !c.isClosed {
		c.failure = err
	}
	c.mu.Unlock()
	c.Close()
}

// SetReadDeadline does nothing: the connection sets its own deadline for each
// read. The client does not see most answers, so it would consider the server
// silent.
func (c *Conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing: the connection sets its own deadline for each
// write. The client's deadline would shorten or extend the session's writes.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

// limit is how long the connection waits for the network. Until the connection
// is open, limit leaves time to dial other servers: in the handshake, the
// client would wait almost seven session timeouts for a server that hangs.
// Later, the client would wait two thirds of the timeout. With half of the
// timeout, a ping, sent each third, has a sixth of the timeout to be answered.
// A twelfth remains until the trust deadline to find another server.
func (c *Conn) limit() time.Duration {
	if c.Opened() {
		return c.Timeout() / 2
	}
	return c.cfg.Patience
}
