package ui

import (
	"net/http"
	"time"
)

const (
	// beat keeps proxies from closing a connection on which nothing happens. It
	// also finds viewers that have gone without a word.
	beat = 15 * time.Second
	// piece is how much of an event a viewer must take within the limit.
	piece = 32 << 10
)

// events sends the newest report and every later one, until the page
// disconnects. Between reports it sends confirmations by a quorum, and
// failures. A viewer that does not read is cut off. Nothing is queued: a slow
// viewer gets the newest report when it has taken the one before.
func (s *Server) events(w http.ResponseWriter, r *http.Request, v viewer) {
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/event-stream")
		return
	}
	leave, ok := s.seats.take(v)
	if !ok {
		s.busy(w, r)
		return
	}
	defer leave()
	line := http.NewResponseController(w)
	// The limit of the request would end the answer.
	if err := line.SetReadDeadline(time.Time{}); err != nil {
		fail(w, r, http.StatusInternalServerError, "This connection cannot stream: use another proxy, or none.")
		return
	}
	seat := s.feed.join(line.SetWriteDeadline)
	defer seat.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		news, m, ok := seat.next()
		if ok {
			if !s.send(w, line, seat, m) {
				return
			}
			continue
		}
		select {
		case <-news:
		case <-ticker.C:
			if !s.send(w, line, seat, message{frame: []byte(": still there\n\n")}) {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.feed.done:
			return
		}
	}
}

// send writes a message, and reports whether the viewer has taken it.
func (s *Server) send(w http.ResponseWriter, line *http.ResponseController, seat *seat, m message) bool {
	defer seat.sent()
	for rest := m.frame; len(rest) > 0; {
		now := rest[:min(piece, len(rest))]
		rest = rest[len(now):]
		if seat.sending(m, time.Now().Add(s.cfg.limits.write)) != nil {
			return false
		}
		if _, err := w.Write(now); err != nil {
			return false
		}
		if err := line.Flush(); err != nil {
			return false
		}
	}
	return true
}
