package ui

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
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
	// Thresholds say what counts as a problem.
	Thresholds inspect.ProblemOptions
	// Redact names what is secret in paths and values. nil: DefaultRedact.
	Redact *regexp.Regexp
	// Look is the token that every request must have. Empty: requests need none.
	Look string
	// Act is the token that actions need, which change znodes. It allows looking
	// too. Empty: there are no actions. It differs from Look, and needs it.
	Act string
	// LookGiven and ActGiven say that the user has the token already, and that no
	// printed address has it.
	LookGiven, ActGiven bool
	// Hosts are the names by which browsers may call the server, in lower case
	// and without ports. The address at which a connection arrives is known too.
	Hosts []string
	// Log gets a line for every action, and the trouble of the HTTP server.
	Log *slog.Logger

	limits limits // zero: the usual ones
}

// limits bound what viewers, and clients without a token, can use up.
type limits struct {
	header  time.Duration // until a client has sent the header of a request
	request time.Duration // until it has sent all of it
	write   time.Duration // until it has taken an answer, or a part of an event
	idle    time.Duration // between two requests on a connection
	linger  time.Duration // until the ensemble is no longer read, after the last viewer has left

	strangers   int // connections without a token
	connections int // connections with a token
	viewers     int // requests for events
	perAddress  int // of them
	perSession  int // of them
	superseded  int // bytes of older reports that are still being sent
}

// usual are the limits that a Server has.
var usual = limits{
	header: 5 * time.Second, request: 10 * time.Second, write: 10 * time.Second, idle: time.Minute, linger: 5 * time.Second,
	strangers: 64, connections: 256, viewers: 100, perAddress: 50, perSession: 10, superseded: 16 << 20,
}

// maxHeader is the size of a request's header, in bytes.
const maxHeader = 16 << 10

// Server serves the page and its events, as an http.Handler, until Close.
type Server struct {
	cfg     Config
	nonce   string // makes the cookies those of this process
	feed    *feed
	seats   *seats
	origins *http.CrossOriginProtection
	routes  map[string]route
}

// New returns the server. The server reads nothing before the first viewer.
func New(cfg Config) *Server {
	if cfg.limits == (limits{}) {
		cfg.limits = usual
	}
	if cfg.Redact == nil {
		cfg.Redact = regexp.MustCompile(DefaultRedact)
	}
	s := &Server{cfg: cfg, nonce: rand.Text(), feed: newFeed(cfg), seats: newSeats(cfg.limits), origins: http.NewCrossOriginProtection()}
	s.routes = map[string]route{
		"/":             {http.MethodGet, file("index.html", "text/html; charset=utf-8")},
		"/icon.svg":     {http.MethodGet, file("icon.svg", "image/svg+xml")},
		"/api/about":    {http.MethodGet, s.about},
		"/api/events":   {http.MethodGet, s.events},
		"/api/timeline": {http.MethodGet, s.history},
		"/api/value":    {http.MethodGet, s.value},
		"/api/queue":    {http.MethodGet, s.queue},
		"/api/transfer": {http.MethodPost, s.action("transfer", s.transfer)},
		"/api/drain":    {http.MethodPost, s.action("drain", s.drain)},
		"/api/revoke":   {http.MethodPost, s.action("revoke", s.revoke)},
		"/api/lift":     {http.MethodPost, s.action("lift", s.lift)},
		"/api/redrive":  {http.MethodPost, s.action("redrive", s.redrive)},
		"/api/remove":   {http.MethodPost, s.action("remove", s.remove)},
		"/api/discard":  {http.MethodPost, s.action("discard", s.discard)},
	}
	for suffix, contentType := range map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"} {
		names, err := fs.Glob(static, "static/*"+suffix)
		if err != nil {
			panic(err) // the pattern is well-formed
		}
		for _, name := range names {
			name = strings.TrimPrefix(name, "static/")
			s.routes["/"+name] = route{http.MethodGet, file(name, contentType)}
		}
	}
	return s
}

// route is what answers the requests for one address.
type route struct {
	method string
	answer func(http.ResponseWriter, *http.Request, viewer)
}

// route answers an admitted request. Only exact addresses exist: no directory
// is listed, and no path is resolved.
func (s *Server) route(w http.ResponseWriter, r *http.Request, v viewer, path string) {
	found, ok := s.routes[path]
	allowed := found.method
	if allowed == http.MethodGet {
		allowed = "GET, HEAD"
	}
	switch {
	case r.Method != http.MethodPost && r.ContentLength != 0:
		// net/http waits for a body before it answers, and the events have no limit
		// in time.
		s.reject(w, r, http.StatusBadRequest, "This request has a body: send it without one.")
	case !ok:
		fail(w, r, http.StatusNotFound, "Nothing is at this address: open the address that docent ui printed.")
	case r.Method != found.method && (r.Method != http.MethodHead || found.method != http.MethodGet):
		w.Header().Set("Allow", allowed)
		fail(w, r, http.StatusMethodNotAllowed, "This address does not take that method: use "+found.method+".")
	default:
		found.answer(w, r, v)
	}
}

// file serves one of the embedded files.
func file(name, contentType string) func(http.ResponseWriter, *http.Request, viewer) {
	data, err := static.ReadFile("static/" + name)
	if err != nil {
		panic(err) // the name is embedded
	}
	return func(w http.ResponseWriter, _ *http.Request, _ viewer) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(data) // fails if the viewer has gone
	}
}

// about sends the page its configuration.
func (s *Server) about(w http.ResponseWriter, _ *http.Request, v viewer) {
	writeJSON(w, map[string]any{"path": s.cfg.Path, "actions": v.role == acts, "now": time.Now()})
}

// Close ends the inspection and all requests for events.
func (s *Server) Close() { s.feed.close() }

// Serve answers on the listener until ctx ends. It closes the listener.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.cfg.limits.header,
		ReadTimeout:       s.cfg.limits.request,
		WriteTimeout:      s.cfg.limits.request + s.cfg.limits.write, // it includes reading the body
		IdleTimeout:       s.cfg.limits.idle,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       rememberConnection,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
		// OPTIONS * needs the token too.
		DisableGeneralOptionsHandler: true,
	}
	conns := newConnections(listener, s.cfg.limits)
	server.RegisterOnShutdown(conns.closeStrangers)
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		s.Close() // ends requests for events, which never end by themselves
		within, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(within); err != nil {
			s.cfg.Log.Warn("some connections were cut", "err", err)
			_ = server.Close()
		}
	})
	err := server.Serve(conns)
	if !stop() {
		<-stopped
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
