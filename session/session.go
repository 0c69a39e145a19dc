package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"
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

	client *zk.Conn
	events <-chan zk.Event // closed when the client has stopped

	// sealCtx ends when nothing may be dialled any more.
	sealCtx context.Context
	sealNow context.CancelFunc

	// ctx ends, with the cause, when the session does.
	ctx    context.Context
	cancel context.CancelCauseFunc

	established chan struct{} // closed at the first handshake

	// trust is the trust deadline, as the time since base.
	base  time.Time
	trust atomic.Int64

	mu         sync.Mutex
	id         int64
	timeout    time.Duration
	trustTimer *time.Timer
	conns      map[*conn]struct{}
	connected  bool
	up         chan struct{} // closed while connected
	holds      context.Context
	cutHolds   context.CancelCauseFunc
	claims     map[string]*claim
	sweeps     []sweep
	sweepers   int
	retired    bool // no background work may start any more
	background sync.WaitGroup

	watches watchTable
	armed   armedWatches
	creates creates
	late    lateWatches

	work    chan func() // to runners that wait
	runners atomic.Int32
}

// newSession starts a generation: it dials until there is a session or it is
// ended.
func newSession(m *Manager) (*Session, error) {
	s := &Session{
		m:           m,
		established: make(chan struct{}),
		base:        time.Now(),
		conns:       make(map[*conn]struct{}),
		up:          make(chan struct{}),
		work:        make(chan func()),
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.sealCtx, s.sealNow = context.WithCancel(context.Background())
	s.holds, s.cutHolds = context.WithCancelCause(s.ctx)
	s.hosts = &hosts{
		servers:  m.cfg.Servers,
		lookup:   m.lookup,
		patience: m.patience,
		maxPause: m.maxPause,
		sealed:   s.sealCtx,
	}
	client, events, err := zk.Connect(m.cfg.Servers, m.cfg.Timeout,
		zk.WithDialer(s.dial),
		zk.WithHostProvider(s.hosts),
		zk.WithEventCallback(s.onEvent),
		zk.WithLogger(clientLog{m.log}),
		zk.WithMaxConnBufferSize(m.cfg.MaxRequest+frameSlack),
	)
	if err != nil {
		return nil, fmt.Errorf("start the client: %w", err)
	}
	s.client, s.events = client, events
	return s, nil
}

// frameSlack is what the client's send buffer needs above the largest request.
const frameSlack = 64 << 10

// ID returns the id the ensemble gave the session.
func (s *Session) ID() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Timeout returns the session timeout that the server granted.
func (s *Session) Timeout() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.timeout
}

// Done returns a channel that is closed when the session ends.
func (s *Session) Done() <-chan struct{} { return s.ctx.Done() }

// Context returns a context that ends with the session. context.Cause tells
// why: ErrTrustElapsed, ErrExpired or ErrClosed.
func (s *Session) Context() context.Context { return s.ctx }

// Err returns nil while the session lasts, and then the cause of its end.
func (s *Session) Err() error { return context.Cause(s.ctx) }

// TrustedUntil returns the trust deadline: the instant until which the
// ensemble cannot have expired the session, less the margin. It moves forward
// with each answer of a server; when it passes, the session ends. It carries a
// monotonic clock reading.
func (s *Session) TrustedUntil() time.Time {
	return s.base.Add(time.Duration(s.trust.Load()))
}

// Manager returns the manager whose session this is.
func (s *Session) Manager() *Manager { return s.m }

// granted takes a handshake that the server has answered with a session. The
// frame that asked for it was written at helloAt.
//
// From here on the servers count by the timeout that was granted now, even
// where an earlier connection was granted a longer one: the deadline may come
// nearer.
func (s *Session) granted(h handshake, helloAt time.Time) error {
	if h.timeout <= 0 {
		return fmt.Errorf("the server grants a session timeout of %v", h.timeout)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id, s.timeout = h.session, h.timeout
	s.trust.Store(s.trustFrom(helloAt, h.timeout))
	if s.ctx.Err() != nil {
		return nil
	}
	left := time.Until(s.TrustedUntil())
	if s.trustTimer == nil {
		s.trustTimer = time.AfterFunc(left, s.checkTrust)
	} else {
		s.trustTimer.Reset(left)
	}
	return nil
}

// heard moves the trust deadline on: the leader has had a request that was
// written at the given time, on a connection with the given timeout. The
// timer keeps the time that it was set to, and looks again when it fires.
func (s *Session) heard(at time.Time, timeout time.Duration) {
	until := s.trustFrom(at, timeout)
	for {
		old := s.trust.Load()
		if until <= old || s.trust.CompareAndSwap(old, until) {
			return
		}
	}
}

// trustFrom is the deadline that a request proves which was written at the
// given time, as the time since base.
func (s *Session) trustFrom(at time.Time, timeout time.Duration) int64 {
	return int64(at.Add(timeout - s.m.cfg.margin(timeout)).Sub(s.base))
}

// checkTrust runs when the trust deadline was due. It has usually moved on.
func (s *Session) checkTrust() {
	left := time.Until(s.TrustedUntil())
	if left <= 0 {
		s.end(ErrTrustElapsed)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() == nil {
		s.trustTimer.Reset(left)
	}
}

// onEvent is called by the client, from its own goroutines, in order. It must
// not block.
func (s *Session) onEvent(ev zk.Event) {
	switch {
	case ev.Type != zk.EventSession:
		if kind, ok := eventTypes[ev.Type]; ok {
			s.watches.fire(kind, ev.Path)
		}
	case ev.State == zk.StateHasSession:
		s.setConnected(true)
	case ev.State == zk.StateDisconnected:
		s.setConnected(false)
	case ev.State == zk.StateExpired:
		s.end(ErrExpired)
	}
}

func (s *Session) setConnected(connected bool) {
	s.mu.Lock()
	if s.ctx.Err() != nil || connected == s.connected {
		s.mu.Unlock()
		return
	}
	s.connected = connected
	var cut context.CancelCauseFunc
	if connected {
		if s.holds.Err() != nil {
			s.holds, s.cutHolds = context.WithCancelCause(s.ctx)
		}
		close(s.up)
		select {
		case <-s.established:
		default:
			close(s.established)
		}
	} else {
		s.up = make(chan struct{})
		if s.m.cfg.LossPolicy == OnDisconnect {
			cut = s.cutHolds // for what begins before the next connection, too
		}
	}
	s.mu.Unlock()
	if cut != nil {
		cut(ErrDisconnected)
	}
	s.m.linkChanged(s)
}

func (s *Session) isConnected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected
}

// end ends the session: nothing is sent in it any more, and its context and
// those of its holds end with the cause.
func (s *Session) end(cause error) {
	s.seal()
	s.finish(cause)
}

// finish is end without sealing, for a Close that still has to say goodbye.
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

// retire waits until the client has stopped. It is called once for each
// session, after its end, and may take seconds: the client's Close waits.
func (s *Session) retire() {
	s.client.Close()
	s.seal()
	for range s.events {
	}
	s.mu.Lock()
	s.retired = true
	s.mu.Unlock()
	s.background.Wait()
}

// spawn runs f on a goroutine that the session waits for when it retires. f
// must return soon after the session has ended.
func (s *Session) spawn(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.retired {
		s.background.Go(f)
	}
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

// waitUp waits until the session is connected. It returns ctx's error, or that
// of the session's end.
func (s *Session) waitUp(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.ctx.Err() != nil {
			return ended(context.Cause(s.ctx))
		}
		s.mu.Lock()
		up := s.up
		s.mu.Unlock()
		select { // by itself, since it is what happens in all but a few cases
		case <-up:
			return nil
		default:
		}
		select {
		case <-up:
			return nil
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
	}
}

// authenticate presents the credentials of the configuration. The client
// repeats them by itself on each later connection of the session.
func (s *Session) authenticate() error {
	for _, cred := range s.m.cfg.Auth {
		for attempt := 0; ; attempt++ {
			if err := s.waitUp(context.Background()); err != nil { // ends with the session, and says so
				return err
			}
			err, answered := verdict(s.client.AddAuth(cred.Scheme, cred.data()))
			if errors.Is(err, zk.ErrAuthFailed) {
				return fmt.Errorf("%w (scheme %s)", ErrAuth, cred.Scheme)
			}
			if answered && err != nil {
				return fmt.Errorf("authenticate with scheme %s: %w", cred.Scheme, err)
			}
			if answered {
				break
			}
			s.sleep(context.Background(), attempt)
		}
	}
	return nil
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
