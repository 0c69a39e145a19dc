package core

import (
	"log/slog"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/conn"
)

// progress tells an operator of connections that end again and again before
// what was sent on them is answered. The usual reason is a request that is
// larger than the server takes: the server answers it by closing the
// connection, and whoever sends it again goes on for ever.
//
// One progress serves all sessions of a Manager. It is safe for concurrent use.
type progress struct {
	mu      sync.Mutex
	taken   int // the largest request that any server has answered
	run     int // connections in a row that made no progress
	largest int // request that they left without an answer
	warned  bool

	halvings int                    // connections of the run of which no limit was learned
	servers  map[string]*serverSize // by address
}

// serverSize is what is known of the size of the requests that one server takes.
type serverSize struct {
	taken int       // the largest request that it has answered
	limit int       // up to which requests are put together for it
	until time.Time // when the limit is forgotten
}

const (
	// limitLasts is how long a limit that a server has shown is kept. Servers are
	// configured anew, and a connection may have ended for another reason.
	limitLasts = time.Hour
	// maxServerSizes bounds the servers that are known: names may come to mean others.
	maxServerSizes = 64
)

// size returns what is known of a server. The caller holds mu.
func (p *progress) size(addr string) *serverSize {
	z := p.servers[addr]
	if z == nil {
		if p.servers == nil || len(p.servers) >= maxServerSizes {
			p.servers = make(map[string]*serverSize)
		}
		z = new(serverSize)
		p.servers[addr] = z
	}
	return z
}

// learn takes the largest request that the end of a connection has left without an answer,
// and reports whether that is the likely reason of the end. Then half of it is the limit,
// or what the server has answered if that is more.
func (z *serverSize) learn(lost int) bool {
	if lost <= max(z.taken, minMaxRequest) {
		return false
	}
	z.limit, z.until = max(lost/2, z.taken, minMaxRequest), time.Now().Add(limitLasts)
	return true
}

// requestLimit is the size up to which reads or watches are put together in one request
// to a server.
func (p *progress) requestLimit(addr string, maxRequest int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limitFor(addr, maxRequest)
}

func (p *progress) limitFor(addr string, maxRequest int) int {
	z := p.servers[addr]
	if z == nil || z.limit == 0 || !time.Now().Before(z.until) {
		return maxRequest
	}
	return min(maxRequest, max(z.limit, z.taken)) // it may have answered a larger one since
}

// maxFruitless is how many connections in a row may end without progress
// before the operator is told.
const maxFruitless = 5

// ended takes what became of a connection. answered says that the server has
// answered a request on it; taken is the size of the largest that it answered,
// lost of the largest that it did not.
//
// It returns the largest request without an answer when it is time to warn.
func (p *progress) ended(addr string, answered bool, taken, lost int) (connections, largest int, warn bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = max(p.taken, taken)
	z := p.size(addr)
	z.taken = max(z.taken, taken)
	learned := z.learn(lost)
	if answered && lost <= p.taken {
		p.run, p.largest, p.warned, p.halvings = 0, 0, false, 0
		return 0, 0, false
	}
	p.run++
	if !learned {
		p.halvings++
	}
	p.largest = max(p.largest, lost)
	warn = p.run >= maxFruitless && !p.warned
	p.warned = p.warned || warn
	return p.run, p.largest, warn
}

// rewatchLimit is the size up to which watches are put together in one
// request. Each connection without progress halves it, down to one watch in
// each request, since the server may take less than anyone has configured.
func (p *progress) rewatchLimit(addr string, maxRequest int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limitFor(addr, min(maxRequest, maxRewatch)) >> p.halvings
}

// connectionEnded notes what a connection came to, and warns when there have
// been too many without progress.
func (m *Manager) connectionEnded(addr string, traffic conn.Traffic) {
	connections, largest, warn := m.progress.ended(addr, traffic.Answered, traffic.Taken, traffic.Lost)
	if !warn {
		return
	}
	hint := "the server, or a proxy in front of it, closes connections after the handshake"
	if largest > smallRequest {
		hint = "the server closes the connection on a request that is larger than its jute.maxbuffer: set Config.MaxRequest to that limit"
	}
	m.log.Warn("connections end again and again before the server answers a request", slog.Int("connections", connections),
		slog.String("server", addr), slog.Int("largest_request", largest), slog.String("hint", hint))
}

// smallRequest is the size up to which every server takes requests.
const smallRequest = 256
