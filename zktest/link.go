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

// errRefused is what a dial on a refusing link fails with.
var errRefused = errors.New("zktest: connection refused")

// Link is one process's own network path to the server. What is dialled through it is subject
// to its faults and to nobody else's. Its methods may be called at any time, from any goroutine.
type Link struct {
	s     *Server
	reign int // grows when the leader that serves the link is deposed; guarded by Server.mu

	mu     sync.Mutex
	cut    Direction
	refuse bool
	delay  time.Duration
	jitter time.Duration
	hang   bool
	slow   time.Duration // of handshakes that open a session
	seed   uint64
	dials  uint64
	change chan struct{} // closed and replaced whenever a waiting dial may have to look again
	pairs  map[*pair]struct{}
}

// pair is one in-memory connection: its two directions and how many of its ends are open.
type pair struct {
	toServer, toClient *half
	open               int
}

// Link returns a new network path to the server, without faults.
func (s *Server) Link() *Link {
	return &Link{s: s, change: make(chan struct{}), pairs: make(map[*pair]struct{})}
}

// Dial connects to the server through the link. It has the shape of go-zookeeper's Dialer; the address is ignored.
func (l *Link) Dial(network, addr string, timeout time.Duration) (net.Conn, error) {
	ctx := context.Background()
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	return l.DialContext(ctx, network, addr)
}

// DialContext connects to the server through the link; the address is ignored. While the link is cut in either
// direction it waits, as a handshake of TCP would, until the link is healed or ctx ends.
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
			// The server has locks of its own, and closes connections under them: never call it under the link's.
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

// Cut stops what travels in the given direction: it is held, in order, and arrives after [Link.Heal]. The end
// of a connection is held too, so neither side learns that the other has closed. New dials wait.
func (l *Link) Cut(dir Direction) { l.update(func() { l.cut |= dir }) }

// Heal undoes every [Link.Cut]. What was held arrives now.
func (l *Link) Heal() { l.update(func() { l.cut = 0 }) }

// Refuse makes new dials fail at once, as with no process behind the port, or lets them succeed again.
func (l *Link) Refuse(refuse bool) { l.update(func() { l.refuse = refuse }) }

// Delay sets the latency that each direction adds to what is sent from now on. A dial takes a round trip. Nothing
// is reordered: after the latency falls, newer frames still wait for older ones.
func (l *Link) Delay(d time.Duration) { l.update(func() { l.delay = d }) }

// Jitter adds to whatever is sent on connections that are dialled from now on a latency of its own, of up to most and
// drawn from the seed. Nothing is reordered. In virtual time, where else everything happens at once, it leaves hardly two
// frames with the same instant, and so makes the order in which they arrive a function of the seed.
func (l *Link) Jitter(most time.Duration, seed uint64) {
	l.update(func() { l.jitter, l.seed = most, seed })
}

// HangHandshakes makes the server accept connections over the link and never
// answer their handshake, as a host does whose server is stuck. Handshakes over
// other links are answered: with one link for each address that a client dials,
// one server hangs and the others are well. A handshake that came in while the
// link hung stays unanswered for good.
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

// Disconnect closes all connections of the link. Both ends learn of it at once; new dials succeed.
func (l *Link) Disconnect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		p.toServer.cutOff()
		p.toClient.cutOff()
	}
}
