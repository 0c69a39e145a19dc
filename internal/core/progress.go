package core

import (
	"log/slog"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/conn"
)

// progress detects connections that end again and again before a request is
// answered. The usual reason is a request that is larger than the server
// accepts: the server closes the connection, and the client sends the request
// again on the next one.
//
// One progress serves all sessions of a Manager. It is safe for concurrent use.
type progress struct {
	mu      sync.Mutex
	taken   int // the size of the largest request that any server has answered
	run     int // connections in a row that made no progress
	largest int // the size of their largest request without an answer
	warned  bool

	halvings int                    // connections of the run that showed no limit
	servers  map[string]*serverSize // by address
}

// serverSize is the known size of the requests that one server accepts.
type serverSize struct {
	taken int       // the size of the largest request that it has answered
	limit int       // the size up to which reads or watches are combined in a request
	until time.Time // when the limit is forgotten
}

const (
	// limitLasts is how long a learned limit of a server is kept. The server
	// may be reconfigured, and the connection may have ended for another
	// reason.
	limitLasts = time.Hour
	// maxServerSizes bounds the number of servers: the addresses of a name may
	// change.
	maxServerSizes = 64
)

// size returns the known sizes of a server. The caller holds mu.
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

// learn learns from a connection that ended with unanswered requests, the
// largest of size lost. It reports whether that size is the likely reason of
// the end. Then the limit is half of it, or the largest answered size if that
// is more.
func (z *serverSize) learn(lost int) bool {
	if lost <= max(z.taken, minMaxRequest) {
		return false
	}
	z.limit, z.until = max(lost/2, z.taken, minMaxRequest), time.Now().Add(limitLasts)
	return true
}

// requestLimit returns the size up to which reads or watches are combined in
// one request to a server.
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
	return min(maxRequest, max(z.limit, z.taken)) // it may have answered a larger request since
}

// maxFruitless is how many connections in a row may end without progress before
// a warning is logged.
const maxFruitless = 5

// ended notes the end of a connection. answered says that the server has
// answered a request on it. taken is the size of the largest answered request,
// and lost is the size of the largest unanswered request.
//
// If warn is true, a warning has to be logged, with the other results.
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

// checkLimit returns the size of a probe of held nodes. Connections that ended
// without progress do not halve it: a probe that a server does not accept
// teaches the limit (learn), and smaller probes would see the nodes later.
func (p *progress) checkLimit(addr string, maxRequest int) int {
	return p.requestLimit(addr, min(maxRequest, maxRewatch))
}

// rewatchLimit returns the size up to which watches are combined in one
// request. Each connection without progress halves it, down to one watch in
// each request, because the server's limit may be lower than every configured
// limit.
func (p *progress) rewatchLimit(addr string, maxRequest int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limitFor(addr, min(maxRequest, maxRewatch)) >> p.halvings
}

// connectionEnded notes the end of a connection, and logs a warning after too
// many connections without progress.
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

// smallRequest is the size up to which every server accepts requests.
const smallRequest = 256
