// Command hotreload is an HTTP service that is configured by a key in
// ZooKeeper. It applies a new configuration without a restart.
//
//	docent config set /hotreload '{"greeting":"Hello","maxLength":20}' --create
//	hotreload --listen 127.0.0.1:8080 &
//	curl 'http://127.0.0.1:8080/?name=Ada'      # Hello, Ada
//	docent config set /hotreload '{"greeting":"Good day","maxLength":20}'
//
// Each request reads the configuration once, at its begin, with an atomic load.
// A malformed or senseless value is rejected: the service continues with the
// last good one, and says so in its log and under /status. It also continues
// during an outage of ZooKeeper. Only its start needs a good value.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// Settings is the service's configuration.
type Settings struct {
	Greeting  string `json:"greeting"`
	MaxLength int    `json:"maxLength"` // the maximum length of a name in bytes
}

// validate rejects settings that the service cannot work with.
func validate(s Settings) error {
	switch {
	case s.Greeting == "":
		return errors.New("greeting is empty")
	case s.MaxLength < 1:
		return fmt.Errorf("maxLength is %d: it must be positive", s.MaxLength)
	}
	return nil
}

func main() {
	servers := flag.String("servers", "127.0.0.1:2181", "ZooKeeper servers as `host:port,host:port/root`")
	key := flag.String("config", "/hotreload", "the configuration's `path`")
	listen := flag.String("listen", "127.0.0.1:8080", "`address` to serve on")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := start(ctx, *servers, *key, *listen); err != nil {
		slog.Error("hotreload ends", "error", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, servers, key, listen string) error {
	hosts, root, err := session.ParseConnect(servers)
	if err != nil {
		return err
	}
	sm, err := session.Dial(ctx, session.Config{Servers: hosts, Root: root})
	if err != nil {
		return err
	}
	defer sm.Close()
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	return run(ctx, sm, key, listener, slog.Default())
}

// run serves until ctx ends, and then finishes the requests under way. It waits
// for a good configuration before it serves. It closes the listener.
func run(ctx context.Context, sm *session.Manager, key string, listener net.Listener, log *slog.Logger) error {
	defer listener.Close()
	settings, err := config.Open(ctx, sm, key, config.JSON[Settings](config.Strict()),
		config.Validate(validate), config.Wait[Settings]())
	switch {
	case err != nil && ctx.Err() != nil:
		log.Info("stopped before a configuration was available", "reason", err)
		return nil
	case err != nil:
		return err
	}
	defer settings.Close()

	ctx, cancel := context.WithCancelCause(ctx)
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		for snap, err := range settings.Changes(ctx) {
			if err != nil {
				log.Error("the configuration is rejected, the last good one stays", "error", err, "version", snap.Version)
				continue
			}
			log.Info("the configuration is in use", "version", snap.Version, "exists", snap.Exists)
		}
	}()
	defer func() {
		cancel(nil)
		<-logged
	}()

	server := &http.Server{
		Handler:           handler(settings),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second, // from the end of the header: it bounds the handler too
		IdleTimeout:       2 * time.Minute,  // longer than those of Go clients, 90 s: a client closes first
	}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(within)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		cancel(err) // Serve failed by itself
		return errors.Join(err, <-stopped)
	}
	return <-stopped
}

// handler greets, and reports under /status which configuration is in use.
func handler(settings *config.Value[Settings]) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		s := settings.Load().Value // once: the whole request uses the same settings
		name := r.FormValue("name")
		if len(name) > s.MaxLength {
			http.Error(w, fmt.Sprintf("a name has at most %d bytes", s.MaxLength), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%s, %s\n", s.Greeting, name)
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "version %d\nstale %t\n", settings.Load().Version, settings.Stale())
		if err := settings.Err(); err != nil {
			fmt.Fprintf(w, "rejected: %v\n", err)
		}
	})
	return mux
}
