package core

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/base/grace"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/conn"
)

// Session is one ZooKeeper session, from its grant to its end: one generation
// of its Manager. It never comes back. The Manager opens another session.
//
// A Session is safe for concurrent use. Its operations wait for a connection
// until ctx or the session ends.
type Session struct {
	m     *Manager
	hosts *hosts

	client *zk.Conn        // dials, shakes hands, sends pings, and closes the session
	events <-chan zk.Event // closed when the client has stopped
	zxid   atomic.Int64    // the newest zxid in an answer

	// sealCtx ends when the session stops dialling.
	sealCtx context.Context
	sealNow context.CancelFunc

	// ctx ends with the session, and has the cause.
	ctx    context.Context
	cancel context.CancelCauseFunc

	established chan struct{} // closed when the first connection is open
	again       chan struct{} // closed when a connection opens after the end of ctx; guarded by mu

	trust   trust
	closing sync.WaitGroup // connections whose Close is under way

	mu          sync.Mutex
	id          int64
	timeout     time.Duration
	trustTimer  *time.Timer   // runs review
	reviewAt    time.Time     // when review is due
	still       standstill    // the newest
	held        int           // the number of holds
	heldNodes   list.List     // the *Nodes of the holds; the node that was seen longest ago is in front
	epoch       int           // grows when all holds end at once
	link        *conn.Conn    // requests are written to it; nil if not connected
	server      string        // the server of the present or last link
	lostLink    error         // why the last link ended, if known
	up          chan struct{} // closed while connected
	probedAt    time.Time     // when the newest probe was sent on link
	probing     int           // the number of unanswered probes on link
	refusedOnce bool          // a server has refused the credentials since the last link
	unconfirmed int           // probes for ConfirmedStates since the last answer of a quorum
	conns       map[*conn.Conn]struct{}
	holds       context.Context
	cutHolds    context.CancelCauseFunc
	claims      map[string]*claim
	departures  map[string]*departure
	sweeps      []sweep
	sweepers    int
	retired     bool // no more background work may start
	background  sync.WaitGroup

	watches watchTable
	late    lateWatches
	vetted  vetting

	own      ownNodes
	unlisted atomic.Bool // the list of the session's nodes is due after the next ping
}

// newSession starts a generation: it dials until a session is open or the
// generation is ended.
func newSession(m *Manager) (*Session, error) {
	s := &Session{
		m:           m,
		established: make(chan struct{}),
		again:       make(chan struct{}),
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
		pauses:   m.pauses,
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

// clientBuffer is the size of the client's buffers, in bytes. They hold its
// handshake, its goodbye and its pings.
const clientBuffer = 512

// made panics for a Session that was not opened by a Manager.
func (s *Session) made() {
	misuse.ZeroValue(s == nil || s.m == nil, "or nil core.Session", "Manager.Session, which returns no error")
}

// ID returns the session id that the ensemble has assigned.
func (s *Session) ID() int64 {
	s.made()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Timeout returns the session timeout that the server has granted.
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

// Context returns a context that ends with the session. context.Cause returns
// the reason: ErrTrustElapsed, ErrExpired, ErrRestored or ErrClosed.
func (s *Session) Context() context.Context {
	s.made()
	return s.ctx
}

// Err returns nil while the session lasts, and then the cause of its end.
func (s *Session) Err() error {
	s.made()
	return context.Cause(s.ctx)
}

// trustLeft returns how long the session can be trusted without an answer.
// granted is false before the session is granted.
func (s *Session) trustLeft() (left time.Duration, granted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Until(s.deadline()), s.id != 0
}

// Manager returns the Manager of this session.
func (s *Session) Manager() *Manager {
	s.made()
	return s.m
}

// end ends the session in this order: dialling stops; the contexts of the
// session and of its holds end with the cause; the connections are closed. So
// no hold waits for a slow Close of a connection, and nothing can be sent in
// another session.
func (s *Session) end(cause error) {
	s.sealNow()
	s.finish(s.whyEnded(cause))
	s.closeConns()
}

// finish ends the contexts of the session and of its holds. Only a Close that
// still has to close the session at the server calls it directly.
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

// retire waits until the client has stopped, except for callbacks and networks
// that hang. It is called once for each session, after its end. It may take
// seconds, because the client's Close waits.
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

// spawn runs f on a goroutine that retire waits for. f must return soon after
// the session has ended.
func (s *Session) spawn(f func()) (spawned bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.retired {
		s.background.Go(f)
	}
	return !s.retired
}

// close closes the session at the server, after finish(ErrClosed). So the
// server removes the ephemeral nodes without waiting for the timeout. The
// contexts of the holds have ended before the server gets the request.
//
// A session that is not connected at this moment has one Period to find a
// server. A server before 3.7 closes the connection for a request that it does
// not know, and a server that restarts closes it too. Without the goodbye,
// others would wait for the nodes until the timeout.
func (s *Session) close() {
	if !s.isConnected() {
		grace.For(s.again)
		select {
		case <-s.again:
		default:
			s.seal()
		}
	}
	s.retire()
}

// sleep pauses before an attempt that follows a failed one.
func (s *Session) sleep(ctx context.Context, attempt int) {
	timer := time.NewTimer(s.m.pauses.Pause(attempt))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
}
