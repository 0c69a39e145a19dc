package core

import (
	"log/slog"
	"sync"

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
}

// maxFruitless is how many connections in a row may end without progress
// before the operator is told.
const maxFruitless = 5

// ended takes what became of a connection. answered says that the server has
// answered a request on it; taken is the size of the largest that it answered,
// lost of the largest that it did not.
//
// It returns the largest request without an answer when it is time to warn.
func (p *progress) ended(answered bool, taken, lost int) (connections, largest int, warn bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = max(p.taken, taken)
	if answered && lost <= p.taken {
		p.run, p.largest, p.warned = 0, 0, false
		return 0, 0, false
	}
	p.run++
	p.largest = max(p.largest, lost)
	warn = p.run >= maxFruitless && !p.warned
	p.warned = p.warned || warn
	return p.run, p.largest, warn
}

// rewatchLimit is the size up to which watches are put together in one
// request. Each connection without progress halves it, down to one watch in
// each request, since the server may take less than anyone has configured.
func (p *progress) rewatchLimit(maxRequest int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(maxRequest, maxRewatch) >> p.run
}

// connectionEnded notes what a connection came to, and warns when there have
// been too many without progress.
func (m *Manager) connectionEnded(addr string, traffic conn.Traffic) {
	connections, largest, warn := m.progress.ended(traffic.Answered, traffic.Taken, traffic.Lost)
	if !warn {
		return
	}
	hint := "a server, or a proxy before it, closes connections after the handshake"
	if largest > smallRequest {
		hint = "a server closes the connection on a request that is larger than its jute.maxbuffer: set Config.MaxRequest to that limit"
	}
	m.log.Warn("connections end again and again before what was sent on them is answered", slog.Int("connections", connections),
		slog.String("server", addr), slog.Int("largest_request", largest), slog.String("hint", hint))
}

// smallRequest is the size up to which every server takes requests.
const smallRequest = 256
