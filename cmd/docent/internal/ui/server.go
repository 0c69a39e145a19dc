package ui

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/session"
)

//go:embed static
var static embed.FS

// Config says what to serve, and to whom.
type Config struct {
	Manager *session.Manager
	// Path is the top of the tree that is shown.
	Path string
	// Options are for the inspection.
	Options []inspect.Option
	// Token is demanded of every request; empty demands none.
	Token string
	// Hosts are the names by which browsers may call the server, without
	// ports; empty allows any.
	Hosts []string
	// AllowActions makes what changes something available.
	AllowActions bool
	// Log is told of every action.
	Log *slog.Logger
}

// Server is the page and what it needs. It is an http.Handler. It lives until
// Close.
type Server struct {
	cfg     Config
	feed    *feed
	handler http.Handler
}

// New returns the server. It reads nothing before somebody looks.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, feed: newFeed(cfg)}
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the name is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /api/events", s.events)
	mux.HandleFunc("GET /api/about", s.about)
	mux.HandleFunc("POST /api/transfer", s.action(s.transfer))
	mux.HandleFunc("POST /api/drain", s.action(s.drain))
	s.handler = s.guard(mux)
	return s
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends all that the server has under way. Requests that last, such as
// those for events, end then.
func (s *Server) Close() { s.feed.close() }

// about tells the page what it may offer.
func (s *Server) about(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{"path": s.cfg.Path, "actions": s.cfg.AllowActions})
}

// beat keeps proxies from closing a connection on which nothing happens.
const beat = 15 * time.Second

// events sends the newest report, and every one after it, for as long as the
// page listens; in between, when a quorum has confirmed it, and what the trouble
// is when none does.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	flusher, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "this connection cannot stream", http.StatusInternalServerError)
		return
	}
	view, leave := s.feed.join()
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	var seen uint64
	for {
		news, unseen := view(seen)
		for _, message := range unseen {
			seen = message.number
			if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", message.event, message.data); err != nil {
				return
			}
			flusher.Flush()
		}
		if len(unseen) > 0 {
			continue
		}
		select {
		case <-news:
		case <-ticker.C:
			if _, err := fmt.Fprint(w, ": still there\n\n"); err != nil {
				return
			}
			flusher.Flush()
		case <-r.Context().Done():
			return
		case <-s.feed.done:
			return
		}
	}
}

// Serve answers on the listener until ctx ends. It closes the listener.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() {
		s.Close() // else requests for events would never end
		within, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(within); err != nil {
			s.cfg.Log.Warn("some connections were cut", "err", err)
			_ = server.Close()
		}
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		return // the reader has gone
	}
}
