package core

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/grace"
	"github.com/docent-go/docent/internal/base/misuse"
)

// Manager keeps a ZooKeeper session open, and opens a new one after each end of
// a session. Many recipes share one Manager. It is safe for concurrent use. It
// lives until Close.
type Manager struct {
	cfg      Config
	log      *slog.Logger // never blocks
	lines    logQueue
	dialer   func(ctx context.Context, network, address string) (net.Conn, error)
	lookup   func(ctx context.Context, host string) ([]string, error)
	patience patience        // for each dial, look-up and handshake
	pauses   backoff.Backoff // between rounds of dialling, and between retries
	failures *failures
	progress progress
	vets     bool // directories are checked for rights of others
	warned   warned

	states      relay
	confirmed   relay        // its Connected means that a quorum has answered
	asking      atomic.Int32 // loops over ConfirmedStates, and one for all calls of Health
	healthAsked atomic.Bool  // Health was called
	counts      counts

	noRemoval    atomic.Bool // the ensemble cannot remove watches
	noLasting    atomic.Bool // the ensemble has no persistent watches
	noMultiRead  atomic.Bool // the ensemble cannot read many nodes at once
	noContainers atomic.Bool // the ensemble does not support container nodes
	noStats      atomic.Bool // the ensemble does not support creates that return a stat
	noIdentities atomic.Bool // the ensemble does not tell a session's identities
	noOwnLists   atomic.Bool // the ensemble does not list a session's nodes

	listsLost atomic.Int32 // connections in a row that ended without the list of the session's nodes

	saidPlaintext atomic.Bool // see warnPlaintext
	saidOld       atomic.Bool // see lacks
	surveyed      bool        // see survey; only the run loop uses it

	ctx    context.Context // ends at Close
	cancel context.CancelCauseFunc
	work   sync.WaitGroup // the run loop, and the remaining work of retired sessions
	told   chan struct{}  // closed when the hooks have got the last state
	closed chan struct{}  // closed when Close has finished
	closes atomic.Bool    // Close was called

	mu      sync.Mutex
	current *Session      // nil between two sessions
	opened  []int64       // the ids of the newest sessions, in order
	turn    chan struct{} // closed and replaced when current changes
	fails   failing       // the failures of dialling
	failing time.Time     // the time since which dialling fails; zero if it does not
	outage  *outage       // nil while there is a session
}

// Dial opens a session and returns its Manager. It blocks until a session is
// open, ctx ends, or the server refuses the credentials. After three seconds
// without a session, Dial logs the reason as a warning; see Config.Logger.
//
// ctx bounds only Dial; the Manager lives until Close. Errors: an invalid
// Config, with the name of the field; ErrUnreachable, with ctx's error and the
// last failure of dialling; ErrAuth.
func Dial(ctx context.Context, cfg Config) (*Manager, error) {
	cfg, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("connect to ZooKeeper: %w: %w", ErrUnreachable, ctxend.Err(ctx))
	}
	m := newManager(cfg)
	first := m.turn // read before any goroutine can advance it
	refused := make(chan error, 1)
	m.start(refused)

	select {
	case <-first:
		return m, nil
	case err = <-refused:
	case <-ctx.Done():
		err = m.unreachable(ctx)
	}
	m.Close()
	return nil, fmt.Errorf("connect to ZooKeeper: %w", err)
}

// Start is Dial that does not wait: sessions are opened in the background, and
// the Manager's state is Lost until one is open. It is for programs that can
// begin their work without ZooKeeper. Each call on the Manager waits for a
// session until its own ctx ends.
//
// The error is an invalid Config. Refused credentials are logged, and presented
// again.
func Start(cfg Config) (*Manager, error) {
	cfg, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	m := newManager(cfg)
	m.tellAll(StateChange{Lost, 0, time.Now(), ErrUnreachable})
	m.start(make(chan error))
	return m, nil
}

func newManager(cfg Config) *Manager {
	m := &Manager{
		cfg:      cfg,
		dialer:   cfg.Dialer,
		patience: newPatience(cfg.Timeout, cfg.Timeout-cfg.margin(cfg.Timeout)),
		pauses:   pausesUpTo(min(max(cfg.Timeout/10, 100*time.Millisecond), 2*time.Second)),
		failures: newFailures(max(6*cfg.Timeout, time.Minute)),
		told:     make(chan struct{}),
		closed:   make(chan struct{}),
		turn:     make(chan struct{}),
		vets:     cfg.Directories != IgnoreExposed && restricts(cfg.ACL),
	}
	if m.dialer == nil {
		m.dialer = new(net.Dialer).DialContext
		m.lookup = cfg.LookupHost
	}
	m.confirmed.since = time.Now()
	m.log = m.lines.logger(cfg.Logger)
	m.ctx, m.cancel = context.WithCancelCause(context.Background())
	return m
}

// made panics for a Manager that was not returned by Dial or Start.
func (m *Manager) made() {
	misuse.ZeroValue(m == nil || m.closed == nil, "or nil session.Manager", "session.Dial or session.Start")
}

// start starts the goroutines that run until Close.
func (m *Manager) start(refused chan<- error) {
	notify(m.cfg.Hooks, func(h HookManager) { h.OnManager(m) })
	if !implemented[HookState](m.cfg.Hooks) {
		close(m.told)
	} else {
		changes := m.states.join() // before any change, so that hooks get every change
		go func() {
			defer close(m.told)
			m.tellHooks(changes)
		}()
	}
	m.outageBegins()
	m.work.Go(func() {
		m.run(refused)
		m.tellAll(StateChange{State: Closed, At: time.Now(), Cause: ErrClosed})
	})
}

// tellHooks calls the hooks for every state change, in order.
func (m *Manager) tellHooks(changes *subscription) {
	m.states.relate(context.Background(), changes, func(change StateChange) bool {
		notify(m.cfg.Hooks, func(h HookState) { h.OnState(change) })
		return true
	})
}

// State returns the present state.
func (m *Manager) State() State {
	m.made()
	return m.states.current().State
}

// States yields the present state and then every change, in order and without a
// gap, however slow the loop body is. It ends after Closed, or when ctx ends.
func (m *Manager) States(ctx context.Context) iter.Seq[StateChange] {
	m.made()
	return m.states.subscribe(ctx)
}

// Root returns the path below which this Manager works. It is "/" if
// Config.Root is empty.
func (m *Manager) Root() string {
	m.made()
	return m.cfg.Root
}

// Done returns a channel that is closed when Close is called.
func (m *Manager) Done() <-chan struct{} {
	m.made()
	return m.ctx.Done()
}

// Close ends every hold and then the session, so that its ephemeral nodes
// vanish at once if a server can be reached within a second. It waits until all
// goroutines of the Manager have ended. For hooks, the log handler, Dialer, its
// connections and LookupHost it waits a second at most, so that each of them
// may call Close. It also waits a second at most for a check of a directory
// under way (Config.Directories), whose warning would otherwise be lost. Close
// may be called more than once, and concurrently. The error is always nil.
func (m *Manager) Close() error {
	m.made()
	if m.closes.CompareAndSwap(false, true) {
		m.awaitChecks()
		m.cancel(ErrClosed)
		m.work.Wait()
		grace.For(m.told, m.lines.handled())
		close(m.closed)
	}
	<-m.closed
	return nil
}
