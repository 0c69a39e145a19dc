package zktest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// memoryAddr is the address of a server that listens on no port.
const memoryAddr = "zktest:2181"

var errClosed = errors.New("zktest: server closed")

// Server is an in-process ZooKeeper. All its methods are safe for concurrent use.
type Server struct {
	cfg  settings
	link *Link // the path of connections dialled on the server itself
	done chan struct{}
	wg   sync.WaitGroup

	frozen gate // shut while the server is frozen

	// intercepting is held around the interceptors, and handed over to order.
	// So requests are executed in the order in which the interceptors saw them.
	intercepting sync.Mutex
	// order is held by every change of the state, until the observers know the
	// change and its events and replies are queued. So the observers have seen
	// everything that a client can know.
	order sync.Mutex

	// mu guards the fields below. It is taken inside order and held only
	// briefly.
	mu           sync.Mutex
	closed       bool
	tree         *tree
	sessions     map[int64]*session
	nextSession  int64
	conns        map[*conn]struct{}
	connSeq      int64
	listeners    []net.Listener
	counts       map[Op]int
	hang         bool
	replace      bool
	interceptors []*hook[func(Request) Action]
	observers    []*hook[func(Change)]
	changes      []Change
	outgoing     []outgoing
	replicas     map[*replica]struct{} // the lagging replicas
	deposed      map[*Link]*Deposed    // the deposed leader of each link that has one
	started      time.Time
	skew         time.Duration // of the leader's clock
	reaper       *time.Timer   // runs while there is something to reap
	quorum       quorum
	reports      reports
	traceMask    int64 // as the word stmk sets it

	packets traffic
}

// hook is a registered callback. Its address identifies it when it is removed.
type hook[T any] struct{ f T }

// outgoing is the output of a complete change for one connection.
type outgoing struct {
	c     *conn
	frame []byte
	reply bool
	close bool
}

// New starts a server that is closed when the test ends. In a synctest bubble,
// call it inside the bubble, with the bubble's own testing.TB.
func New(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s, err := Start(opts...)
	if err != nil {
		tb.Fatalf("zktest: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("zktest: close: %v", err)
		}
	})
	return s
}

// Start starts a server without a test around it. The caller closes it.
func Start(opts ...Option) (*Server, error) {
	cfg := newSettings(opts)
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg:       cfg,
		done:      make(chan struct{}),
		tree:      newTree(cfg.traits),
		sessions:  make(map[int64]*session),
		conns:     make(map[*conn]struct{}),
		counts:    make(map[Op]int),
		replicas:  make(map[*replica]struct{}),
		deposed:   make(map[*Link]*Deposed),
		started:   time.Now(),
		traceMask: defaultTrace,
		// The first session id consists of the server's number and the time, as
		// in ZooKeeper. From 128 on, the top bit of the ids is set: they are
		// negative as an int64.
		nextSession: int64(uint64(serverNumber)<<56 | uint64(time.Now().UnixMilli()<<24>>8)&(1<<56-1)),
	}
	s.link = s.Link()
	return s, nil
}

// serverNumber is the number of the server in its ensemble (myid), from 1 to 255.
const serverNumber = 200

// Addr returns the address of the first listener, or "zktest:2181" for a server
// that has none.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr()
}

// addr is Addr for a caller that holds mu.
func (s *Server) addr() string {
	if len(s.listeners) > 0 {
		return s.listeners[0].Addr().String()
	}
	return memoryAddr
}

// Dial connects to the server in memory. It has the shape of go-zookeeper's
// Dialer; the address is ignored.
func (s *Server) Dial(network, addr string, timeout time.Duration) (net.Conn, error) {
	return s.link.Dial(network, addr, timeout)
}

// DialContext connects to the server in memory; the address is ignored. It
// fails if ctx has ended.
func (s *Server) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return s.link.DialContext(ctx, network, addr)
}

// Listen also serves on a TCP address, such as "127.0.0.1:0", and returns the
// actual address. It cannot be used inside a synctest bubble, where network
// traffic keeps time from advancing.
func (s *Server) Listen(addr string) (string, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	if s.cfg.tls != nil {
		ln = tls.NewListener(ln, s.cfg.tls)
	}
	return ln.Addr().String(), s.serve(ln)
}

// acceptPause is the time between two attempts to accept a connection. An
// attempt fails if the process has no descriptor left.
const acceptPause = 50 * time.Millisecond

// serve serves the connections of a listener until Close.
func (s *Server) serve(ln net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(errClosed, ln.Close())
	}
	s.listeners = append(s.listeners, ln)
	s.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil:
				if !s.pauseAccept() {
					return
				}
			case s.accept(nc, nil) != nil:
				return // the server is closed, and accept has closed the connection
			}
		}
	})
	return nil
}

// pauseAccept waits before the next attempt to accept. It reports false if the
// server is closed.
func (s *Server) pauseAccept() bool {
	pause := time.NewTimer(acceptPause)
	defer pause.Stop()
	select {
	case <-pause.C:
		return true
	case <-s.done:
		return false
	}
}

// Close ends the server: all connections close, all its goroutines end, and its
// data is lost. It may be called more than once.
func (s *Server) Close() error {
	var errs []error
	s.do(func() {
		s.closed = true
		close(s.done)
		if s.reaper != nil {
			s.reaper.Stop()
		}
		for _, timer := range []*time.Timer{s.quorum.timer, s.reports.timer} {
			if timer != nil {
				timer.Stop()
			}
		}
		for _, ln := range s.listeners {
			errs = append(errs, ln.Close())
		}
		for c := range s.conns {
			c.abandon()
		}
		for _, sess := range s.sessions {
			sess.timer.Stop()
		}
	})
	s.wg.Wait()
	return errors.Join(errs...)
}

// do runs f in the server's total order of steps. First f changes the state,
// then the observers are told, then events and replies go out. On a closed
// server do does nothing.
func (s *Server) do(f func()) {
	s.order.Lock()
	defer s.order.Unlock()
	s.step(f)
}

// step is do for a caller that holds order.
func (s *Server) step(f func()) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	f()
	changes, out, observers := s.changes, s.outgoing, s.observers
	s.changes, s.outgoing = nil, nil
	s.mu.Unlock()
	for _, ch := range changes {
		for _, o := range observers {
			o.f(ch)
		}
	}
	for _, o := range out {
		o.c.deliver(o)
	}
}

// send queues a frame for a connection. The frame goes out when the present
// step is complete.
func (s *Server) send(c *conn, frame []byte) {
	s.outgoing = append(s.outgoing, outgoing{c: c, frame: frame})
}

// hangUp closes a connection after its queued frames have gone out.
func (s *Server) hangUp(c *conn) {
	s.detach(c)
	s.outgoing = append(s.outgoing, outgoing{c: c, close: true})
}
