package ensemble

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Direction is a direction of traffic through a [Proxy].
type Direction int

// The directions a [Proxy] can cut.
const (
	ToServer Direction = 1 << iota // what the client sends
	ToClient                       // what the server sends
	Both     = ToServer | ToClient
)

// Proxy is a TCP proxy in front of one server that can inject faults. A cut
// loses nothing. It holds the bytes, and the end of a connection, a reset
// included. Once healed it delivers them. In a network that drops packets for a
// while, TCP would send them again too.
type Proxy struct {
	tb     testing.TB
	addr   string
	target string

	toServer, toClient *gate

	mu       sync.Mutex
	delay    time.Duration
	patience time.Duration             // how long a connection waits for the target to listen
	first    func(chunk []byte) []byte // if set, changes the first bytes from a client
	refusing bool
	closed   bool
	listener net.Listener // nil while refusing
	links    map[*link]struct{}

	wg sync.WaitGroup
}

// NewProxy starts a proxy in front of target (host:port) that lets all traffic
// pass. It ends with the test.
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

// Cut holds the traffic in the given direction until [Proxy.Heal]. A connection
// made meanwhile is accepted and hangs, like a handshake whose packets are
// dropped. Cuts add up: Cut(ToServer) after Cut(ToClient) is Cut(Both).
func (p *Proxy) Cut(d Direction) {
	if d&ToServer != 0 {
		p.toServer.shut()
	}
	if d&ToClient != 0 {
		p.toClient.shut()
	}
}

// Heal lets all traffic pass again, the held bytes first.
func (p *Proxy) Heal() {
	p.toServer.open()
	p.toClient.open()
}

// Refuse(true) makes the system refuse new connections, as on a host without a
// listener; present connections stay open. Refuse(false) ends that.
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

// Delay delays every byte by d, in both directions, from now on.
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

// Connections is the number of open connections through the proxy.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// listen opens the listener. The caller holds mu.
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

// changeFirst makes f change the first bytes of each new connection from a
// client.
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

// waitForListener makes new connections wait up to d until the target listens.
// It is for clients that retry a refused connection at once, but not one that
// breaks.
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

// gate blocks goroutines while it is closed.
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

// pass waits until the gate is open. It returns false if done is closed first.
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
