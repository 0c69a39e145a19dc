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
	// Path is the top of the tree.
	Path string
	// Options are for the inspection.
	Options []inspect.Option
	// Token is the token that every request must have. Empty: requests need
	// none.
	Token string
	// Hosts are the names by which browsers may call the server, without
	// ports; empty allows any.
	Hosts []string
	// AllowActions allows actions, which change znodes.
	AllowActions bool
	// Log gets a line for every action.
	Log *slog.Logger
}

// Server serves the page and its events, as an http.Handler, until Close.
type Server struct {
	cfg     Config
	feed    *feed
	handler http.Handler
}

// New returns the server. The server reads nothing before the first viewer.
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

// Close ends the inspection and all requests for events.
func (s *Server) Close() { s.feed.close() }

// about sends the page its configuration.
func (s *Server) about(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{"path": s.cfg.Path, "actions": s.cfg.AllowActions})
}

// beat keeps proxies from closing a connection on which nothing happens.
const beat = 15 * time.Second

// events sends the newest report and every later one, until the page
// disconnects. Between reports it sends confirmations by a quorum, and
// failures.
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
		s.Close() // ends requests for events, which never end by themselves
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
		return // the viewer has gone
	}
}
