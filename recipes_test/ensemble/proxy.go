package ensemble

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Direction names a way through a [Proxy].
type Direction int

// The directions a [Proxy] can cut.
const (
	ToServer Direction = 1 << iota // what the client sends
	ToClient                       // what the server sends
	Both     = ToServer | ToClient
)

// Proxy is a TCP proxy in front of one server that can be told to misbehave. A cut loses nothing: like a network that drops
// packets for a while, it holds the bytes (and the end of a connection, a reset included) and delivers them once healed, because
// TCP would send them again.
type Proxy struct {
	tb     testing.TB
	addr   string
	target string

	toServer, toClient *gate

	mu       sync.Mutex
	delay    time.Duration
	patience time.Duration             // how long a connection waits for the target to listen
	first    func(chunk []byte) []byte // if set, changes what a client sends first
	refusing bool
	closed   bool
	listener net.Listener // nil while refusing
	links    map[*link]struct{}

	wg sync.WaitGroup
}

// NewProxy starts a proxy in front of target (host:port) that lets everything through. It ends with the test.
func NewProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	p := &Proxy{
		tb: tb, target: target, addr: loopback(reservePorts(tb).take(tb)),
		toServer: newGate(), toClient: newGate(), links: map[*link]struct{}{},
	}
	p.mu.Lock()
	err := p.listen()
	p.mu.Unlock()
	if err != nil {
		tb.Fatalf("proxy in front of %s: %v", target, err)
	}
	tb.Cleanup(p.close)
	return p
}

// Addr is the host:port clients dial.
func (p *Proxy) Addr() string { return p.addr }

// Cut holds what flows in the given direction until [Proxy.Heal]. A connection made meanwhile is accepted and hangs, as the
// handshake of a connection does whose packets vanish. Cuts add up: Cut(ToServer) after Cut(ToClient) is Cut(Both).
func (p *Proxy) Cut(d Direction) {
	if d&ToServer != 0 {
		p.toServer.shut()
	}
	if d&ToClient != 0 {
		p.toClient.shut()
	}
}

// Heal lets everything flow again, the held bytes first.
func (p *Proxy) Heal() {
	p.toServer.open()
	p.toClient.open()
}

// Refuse(true) makes new connections be refused by the system, as a host does on which nobody listens; present ones go on.
// Refuse(false) ends that.
func (p *Proxy) Refuse(refuse bool) {
	p.tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refusing == refuse {
		return
	}
	p.refusing = refuse
	var err error
	if refuse {
		err = p.listener.Close()
		p.listener = nil
	} else {
		err = p.listen()
	}
	if err != nil {
		p.tb.Errorf("proxy in front of %s, Refuse(%v): %v", p.target, refuse, err)
	}
}

// Delay delivers every byte d later than it would have been, in both directions, from now on.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Disconnect closes all present connections, on both sides and at once, cut or not.
func (p *Proxy) Disconnect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.drop()
	}
}

// Connections is the number of connections that are open through the proxy.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// listen must be called with mu held.
func (p *Proxy) listen() error {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.listener = l
	p.wg.Add(1)
	go func() {
		defer p.wg.Done()
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the listener is closed: refusing, or the test is over
			}
			p.serve(conn)
		}
	}()
	return nil
}

// serve takes in a new connection from a client.
func (p *Proxy) serve(client net.Conn) {
	l := newLink(p, client)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		l.drop()
		return
	}
	p.links[l] = struct{}{}
	p.wg.Add(1)
	go func() {
		defer p.wg.Done()
		l.run()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.links, l)
	}()
}

// changeFirst has the first bytes that a client sends over each new connection changed.
func (p *Proxy) changeFirst(f func(chunk []byte) []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.first = f
}

func (p *Proxy) currentFirst() func(chunk []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first
}

// waitForListener has new connections wait for as long as d until somebody listens behind the proxy, for clients that try again
// at once when they are refused, but not when a connection that was made breaks.
func (p *Proxy) waitForListener(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.patience = d
}

func (p *Proxy) currentPatience() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.patience
}

func (p *Proxy) currentDelay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	listener := p.listener
	p.listener = nil
	for l := range p.links {
		l.drop()
	}
	p.mu.Unlock()
	if listener != nil {
		if err := listener.Close(); err != nil {
			p.tb.Errorf("closing the proxy in front of %s: %v", p.target, err)
		}
	}
	p.wg.Wait()
}

// gate is a door that goroutines pass while it is open.
type gate struct {
	mu     sync.Mutex
	opened chan struct{} // closed while the gate is open
	isOpen bool
}

func newGate() *gate {
	g := &gate{opened: make(chan struct{})}
	g.open()
	return g
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.isOpen {
		g.isOpen = true
		close(g.opened)
	}
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isOpen {
		g.isOpen = false
		g.opened = make(chan struct{})
	}
}

// pass waits until the gate is open; false when done closed first.
func (g *gate) pass(done <-chan struct{}) bool {
	for {
		g.mu.Lock()
		opened, isOpen := g.opened, g.isOpen
		g.mu.Unlock()
		select {
		case <-done:
			return false
		default:
		}
		if isOpen {
			return true
		}
		select {
		case <-opened:
		case <-done:
			return false
		}
	}
}
