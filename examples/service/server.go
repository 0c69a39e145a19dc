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

// stopWithin is how long the calls under way may take at a stop, and then how long
// to unregister.
const stopWithin = 10 * time.Second

// serve serves on the listener, registered under its address, until ctx ends. It
// then stops in an order in which no call is lost.
func serve(ctx context.Context, sm *session.Manager, listener net.Listener, drain time.Duration, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	registration, err := register(ctx, sm, listener.Addr().String())
	if err != nil {
		return errors.Join(err, server.Close(), ended(<-served))
	}
	select {
	case err = <-served: // nobody has told it to
		err = errors.Join(err, server.Close())
	case <-ctx.Done():
		err = stop(server, registration, drain)
		err = errors.Join(err, ended(<-served))
	}
	within, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return errors.Join(err, registration.Unregister(within))
}

// register tells where we are. The address is the instance's id too: a server that
// is started anew takes the place of the one that crashed there.
func register(ctx context.Context, sm *session.Manager, address string) (*naming.Registration, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("the port of %s is no number: %w", address, err)
	}
	return naming.New(sm).Register(ctx, naming.Instance{Service: serviceName, ID: address, Address: host, Port: number})
}

// stop lets clients know that they should call others, goes on serving until they
// do, and finishes the calls under way.
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

// ended is why Serve returned, unless it was told to.
func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
