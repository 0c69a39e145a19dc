package zktest

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Direction says which way frames travel.
type Direction int

// The directions a fault can apply to.
const (
	ToServer Direction = 1 << iota // from the client to the server
	ToClient                       // from the server to the client
	Both     = ToServer | ToClient
)

// errRefused is the error of a dial on a link that refuses.
var errRefused = errors.New("zktest: connection refused")

// Link is the network path of one process to the server. Its faults affect the
// connections dialled through it, and no others. Its methods may be called at
// any time, from any goroutine.
type Link struct {
	s     *Server
	reign int // grows when the leader that serves the link is deposed; guarded by Server.mu

	mu     sync.Mutex
	cut    Direction
	refuse bool
	delay  time.Duration
	jitter time.Duration
	hang   bool
	slow   time.Duration // the delay of handshakes that open a session
	seed   uint64
	dials  uint64
	change chan struct{} // closed and replaced whenever a waiting dial has to check the link again
	pairs  map[*pair]struct{}
}

// pair is one in-memory connection: its two directions and how many of its ends
// are open.
type pair struct {
	toServer, toClient *half
	open               int
}

// Link returns a new network path to the server, without faults.
func (s *Server) Link() *Link {
	return &Link{s: s, change: make(chan struct{}), pairs: make(map[*pair]struct{})}
}

// Dial connects to the server through the link. It has the shape of
// go-zookeeper's Dialer; the address is ignored.
func (l *Link) Dial(network, addr string, timeout time.Duration) (net.Conn, error) {
	ctx := context.Background()
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	return l.DialContext(ctx, network, addr)
}

// DialContext connects to the server through the link; the address is ignored.
// While the link is cut in either direction, DialContext blocks until the link
// is healed or ctx ends, as a TCP handshake would.
func (l *Link) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: memAddr(addr), Err: err}
	}
	waited := false
	for {
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
		l.mu.Lock()
		refuse, cut, delay, change := l.refuse, l.cut, l.delay, l.change
		if !refuse && cut == 0 && (waited || delay == 0) {
			client, server := l.connect()
			l.mu.Unlock()
			// The server has its own locks, and closes connections under them:
			// never call it while holding the link's lock.
			if err := l.s.accept(server, l); err != nil {
				return fail(errors.Join(err, client.Close()))
			}
			return client, nil
		}
		l.mu.Unlock()
		if refuse {
			return fail(errRefused)
		}
		var roundTrip <-chan time.Time
		if cut == 0 {
			t := time.NewTimer(2 * delay)
			defer t.Stop()
			roundTrip = t.C
		}
		select {
		case <-ctx.Done():
		case <-l.s.done:
			return fail(errClosed)
		case <-change:
		case <-roundTrip:
			waited = true
		}
	}
}

// connect makes the two ends of a connection. The caller holds l.mu.
func (l *Link) connect() (client, server *pipeConn) {
	p := &pair{toServer: newHalf(), toClient: newHalf(), open: 2}
	if l.jitter > 0 {
		p.toServer.shake(l.jitter, l.seed, 2*l.dials)
		p.toClient.shake(l.jitter, l.seed, 2*l.dials+1)
	}
	l.dials++
	l.apply(p)
	closed := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if p.open--; p.open == 0 {
			delete(l.pairs, p)
		}
	}
	local, remote := memAddr("client"), memAddr(memoryAddr)
	server = &pipeConn{in: p.toServer, out: p.toClient, local: remote, remote: local, closed: closed}
	client = &pipeConn{in: p.toClient, out: p.toServer, local: local, remote: remote, closed: closed}
	l.pairs[p] = struct{}{}
	return client, server
}

// apply gives a connection the link's present faults. The caller holds l.mu.
func (l *Link) apply(p *pair) {
	p.toServer.setPath(l.cut&ToServer != 0, l.delay)
	p.toClient.setPath(l.cut&ToClient != 0, l.delay)
}

// update changes the link's faults and applies them to all of its connections.
func (l *Link) update(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	for p := range l.pairs {
		l.apply(p)
	}
	close(l.change)
	l.change = make(chan struct{})
}

// Cut stops the frames that travel in the given direction. They are held, in
// order, and arrive after [Link.Heal]. The end of a connection is held too, so
// neither side learns that the other has closed. New dials wait.
func (l *Link) Cut(dir Direction) { l.update(func() { l.cut |= dir }) }

// Heal undoes every [Link.Cut]. Held frames arrive now.
func (l *Link) Heal() { l.update(func() { l.cut = 0 }) }

// Refuse makes new dials fail at once, as if no process listened on the port,
// or lets them succeed again.
func (l *Link) Refuse(refuse bool) { l.update(func() { l.refuse = refuse }) }

// Delay sets the latency that each direction adds to frames sent from now on. A
// dial takes a round trip. Nothing is reordered: after the latency falls, newer
// frames still wait for older ones.
func (l *Link) Delay(d time.Duration) { l.update(func() { l.delay = d }) }

// Jitter adds a random latency of up to max, drawn from the seed, to each frame
// on connections dialled from now on. Nothing is reordered. In virtual time
// everything else happens at once. With Jitter hardly two frames arrive at the
// same instant, and their order is a function of the seed.
func (l *Link) Jitter(max time.Duration, seed uint64) {
	l.update(func() { l.jitter, l.seed = max, seed })
}

// HangHandshakes makes the server accept connections over the link and never
// answer their handshake, as a host does whose server is stuck. Handshakes over
// other links are answered. So with one link per address that a client dials,
// one server can hang while the others are well. A handshake that arrived while
// the link hung stays unanswered for good.
func (l *Link) HangHandshakes(hang bool) { l.update(func() { l.hang = hang }) }

// SlowSessions makes the server take d to open a session for a handshake over
// the link. Handshakes that ask for an existing session are answered at once.
func (l *Link) SlowSessions(d time.Duration) { l.update(func() { l.slow = d }) }

// handshakes returns the faults of handshakes. A nil link has none.
func (l *Link) handshakes() (hang bool, slow time.Duration) {
	if l == nil {
		return false, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hang, l.slow
}

// Disconnect closes all connections of the link. Both ends learn of it at once;
// new dials succeed.
func (l *Link) Disconnect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		p.toServer.cutOff()
		p.toClient.cutOff()
	}
}
