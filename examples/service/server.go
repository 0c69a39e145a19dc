package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// stopWithin bounds the calls under way at a stop, and then the unregistration.
const stopWithin = 10 * time.Second

// serve serves on the listener, registered under its address, until ctx ends.
// It then stops in an order in which no call is lost.
func serve(ctx context.Context, sm *session.Manager, listener net.Listener, drain time.Duration, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second, // from the end of the header: it bounds the handler too
		IdleTimeout:       2 * time.Minute,  // longer than those of Go clients, 90 s: a client closes first
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	registration, err := register(ctx, sm, listener.Addr().String())
	if err != nil {
		return errors.Join(err, server.Close(), ended(<-served))
	}
	select {
	case err = <-served: // Serve failed by itself
		err = errors.Join(err, server.Close())
	case <-ctx.Done():
		err = stop(server, registration, drain)
		err = errors.Join(err, ended(<-served))
	}
	within, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return errors.Join(err, registration.Unregister(within))
}

// register registers this server. The address is also the instance's id. So a
// server that starts again after a crash finds the znode of its predecessor: it
// waits until that znode is gone, which takes up to one and a half session
// timeouts, and then registers.
func register(ctx context.Context, sm *session.Manager, address string) (*naming.Registration, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("the port of %s is not a number: %w", address, err)
	}
	return naming.NewRegistry(sm).Register(ctx, naming.Instance{Service: serviceName, ID: address, Address: host, Port: number})
}

// stop tells clients to call other servers, serves until they do, and finishes
// the calls under way.
func stop(server *http.Server, registration *naming.Registration, drain time.Duration) error {
	seen, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := registration.Drain(seen); err != nil {
		slog.Warn("clients may not see that this server drains", "error", err)
	}
	<-seen.Done()
	within, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return server.Shutdown(within)
}

// ended is why Serve returned, or nil after a Shutdown.
func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
