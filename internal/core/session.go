package core

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/grace"
	"github.com/docent-go/docent/internal/misuse"
)

// Session is one ZooKeeper session, from the moment it was granted until it
// ends: one generation in the life of its Manager. It never comes back; the
// Manager opens another.
//
// A Session is safe for concurrent use. Its operations wait for the connection
// as long as ctx and the session last.
type Session struct {
	m     *Manager
	hosts *hosts

	client *zk.Conn        // dials, shakes hands, pings, and says goodbye
	events <-chan zk.Event // closed when the client has stopped
	zxid   atomic.Int64    // the newest transaction that an answer has told of

	// sealCtx ends when the session stops dialling.
	sealCtx context.Context
	sealNow context.CancelFunc

	// ctx ends, with the cause, when the session does.
	ctx    context.Context
	cancel context.CancelCauseFunc

	established chan struct{} // closed at the first handshake

	trust   trust
	closing sync.WaitGroup // connections whose Close is under way

	mu          sync.Mutex
	id          int64
	timeout     time.Duration
	trustTimer  *time.Timer   // runs review
	reviewAt    time.Time     // when it is due
	held        int           // how many holds there are
	heldNodes   list.List     // of *Node, on which they are; the one that was seen longest ago in front
	epoch       int           // counts what has ended all holds at once
	link        *conn.Conn    // on which requests leave; nil while there is none
	server      string        // of the present link, or of the last
	lostLink    error         // why the last link ended, if that is known
	up          chan struct{} // closed while there is a link
	probedAt    time.Time     // when the newest probe left on link
	probing     int           // how many probes are not answered on link
	refusedOnce bool          // a server has refused the credentials since there was a link
	unconfirmed int           // how many probes have left for ConfirmedStates since a quorum has answered
	conns       map[*conn.Conn]struct{}
	holds       context.Context
	cutHolds    context.CancelCauseFunc
	claims      map[string]*claim
	sweeps      []sweep
	sweepers    int
	retired     bool // no background work may start any more
	background  sync.WaitGroup

	watches watchTable
	late    lateWatches
}

// newSession starts a generation: it dials until there is a session or it is
// ended.
func newSession(m *Manager) (*Session, error) {
	s := &Session{
		m:           m,
		established: make(chan struct{}),
		trust:       trust{base: time.Now()},
		conns:       make(map[*conn.Conn]struct{}),
		up:          make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.sealCtx, s.sealNow = context.WithCancel(context.Background())
	s.holds, s.cutHolds = context.WithCancelCause(s.ctx)
	s.watches.s = s
	s.watches.checks.acls = m.cfg.usesACLs()
	s.hosts = &hosts{
		servers:  m.cfg.Servers,
		lookup:   m.lookup,
		patience: m.patience,
		maxPause: m.maxPause,
		failures: m.failures,
		sealed:   s.sealCtx,
		trusted:  s.trustLeft,
	}
	client, events, err := zk.Connect(m.cfg.Servers, m.cfg.Timeout,
		zk.WithDialer(s.dial),
		zk.WithHostProvider(s.hosts),
		zk.WithLogger(clientLog{m.log}),
		zk.WithMaxConnBufferSize(clientBuffer),
		zk.WithMaxBufferSize(clientBuffer),
	)
	if err != nil {
		return nil, fmt.Errorf("start the client: %w", err)
	}
	s.client, s.events = client, events
	return s, nil
}

// clientBuffer is the size of the client's buffers, in bytes. The client writes and
// reads its handshake and goodbye in them, and writes its pings.
const clientBuffer = 512

// made panics for a Session that a Manager has not opened.
func (s *Session) made() {
	misuse.ZeroValue(s == nil || s.m == nil, "or nil core.Session", "Manager.Session, which returns no error")
}

// ID returns the id the ensemble gave the session.
func (s *Session) ID() int64 {
	s.made()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Timeout returns the session timeout that the server granted.
func (s *Session) Timeout() time.Duration {
	s.made()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.timeout
}

// Done returns a channel that is closed when the session ends.
func (s *Session) Done() <-chan struct{} {
	s.made()
	return s.ctx.Done()
}

// Context returns a context that ends with the session. context.Cause tells
// why: ErrTrustElapsed, ErrExpired or ErrClosed.
func (s *Session) Context() context.Context {
	s.made()
	return s.ctx
}

// Err returns nil while the session lasts, and then the cause of its end.
func (s *Session) Err() error {
	s.made()
	return context.Cause(s.ctx)
}

// trustLeft returns how long the session can be trusted without an answer, or
// false while it is not granted.
func (s *Session) trustLeft() (left time.Duration, granted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Until(s.deadline()), s.id != 0
}

// Manager returns the manager whose session this is.
func (s *Session) Manager() *Manager {
	s.made()
	return s.m
}

// end ends the session, in this order: dialling stops; the contexts
// of the session and of its holds end with the cause; the connections are
// closed. So no hold waits for a connection whose Close takes its time, and
// nothing can be sent in another session.
func (s *Session) end(cause error) {
	s.sealNow()
	s.finish(cause)
	s.closeConns()
}

// finish ends the contexts of the session and of its holds. By itself it is for
// a Close that still has to say goodbye.
func (s *Session) finish(cause error) {
	s.cancel(cause) // the first cause stays
	s.mu.Lock()
	if s.trustTimer != nil {
		s.trustTimer.Stop()
	}
	s.cutHolds(cause)
	s.mu.Unlock()
	s.watches.end()
}

// retire waits until the client has stopped, but for callbacks and for networks
// that hang. It is called once for each session, after its end, and may take
// seconds: the client's Close waits.
func (s *Session) retire() {
	s.client.Close()
	s.seal()
	grace.For(grace.Done(func() {
		for range s.events {
		}
	}))
	s.mu.Lock()
	s.retired = true
	s.mu.Unlock()
	grace.For(grace.Done(s.closing.Wait))
	grace.For(grace.Done(s.background.Wait))
}

// spawn runs f on a goroutine that the session waits for when it retires. f
// must return soon after the session has ended.
func (s *Session) spawn(f func()) (spawned bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.retired {
		s.background.Go(f)
	}
	return !s.retired
}

// close follows finish(ErrClosed): it tells the server, which then need not
// wait for the timeout to remove the ephemeral nodes. The holds' contexts have
// ended before the server can hear of it.
func (s *Session) close() {
	if !s.isConnected() {
		s.seal()
	}
	s.retire()
}

// sleep pauses before an attempt that follows a lost one.
func (s *Session) sleep(ctx context.Context, attempt int) {
	timer := time.NewTimer(backoff(attempt, s.m.maxPause))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
}
