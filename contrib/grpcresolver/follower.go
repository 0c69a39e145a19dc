package grpcresolver

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/resolver"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// logger is where grpc's own parts log.
var logger = grpclog.Component("docent")

// follower is the resolver of one connection.
type follower struct {
	*builder
	service string
	plain   bool // the connection has no TLS
	cc      resolver.ClientConn
	cancel  context.CancelFunc
	now     chan struct{} // holds a token when somebody wants it resolved now
	done    chan struct{} // closed when run has returned
}

// ResolveNow implements resolver.Resolver. What is followed needs no asking;
// what could not be read yet is asked for at once.
func (f *follower) ResolveNow(resolver.ResolveNowOptions) {
	select {
	case f.now <- struct{}{}:
	default:
	}
}

// closeLimit bounds Close. A callback of the program may hang, or be the caller of
// that very Close.
const closeLimit = time.Second

// Close implements resolver.Resolver. For the user's code that runs, such as a
// function of naming.Where, it waits for a second at most.
func (f *follower) Close() {
	f.cancel()
	select {
	case <-f.done:
	case <-time.After(closeLimit):
	}
}

// Between two attempts to read a service for the first time there is a pause that
// grows, with its least part however often somebody wants it now.
const (
	leastPause = 100 * time.Millisecond
	mostPause  = 10 * time.Second
)

// run follows the service until Close, or until the session manager is closed:
// then the last known addresses stay.
func (f *follower) run(ctx context.Context) {
	defer close(f.done)
	service, err := f.open(ctx)
	if err != nil {
		return
	}
	defer service.Close()
	first := true
	for change, err := range service.Changes(ctx) {
		if errors.Is(err, session.ErrClosed) {
			return
		}
		if err != nil {
			// A node that holds no instance, or may not be read, does not stop the rest.
			logger.Warningf("grpcresolver: service %s: %v", f.service, err)
			continue
		}
		if first || len(change.Events) > 0 {
			first = false
			f.tell(change.All())
		}
	}
}

// open reads the service for the first time, however long that takes. The error
// is that of ctx.
func (f *follower) open(ctx context.Context) (*naming.Service, error) {
	for n := 0; ; n++ {
		within, cancel := context.WithTimeout(ctx, f.patience)
		service, err := f.registry.Watch(within, f.service, f.watch(f.service)...)
		cancel()
		if err == nil {
			return service, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f.cc.ReportError(fmt.Errorf("grpcresolver: service %s: %w", f.service, err))
		if err := f.pause(ctx, n); err != nil {
			return nil, err
		}
	}
}

func (f *follower) pause(ctx context.Context, n int) error {
	bound := min(leastPause<<min(n, 10), mostPause)
	least, most := time.NewTimer(leastPause), time.NewTimer(leastPause+rand.N(bound))
	defer least.Stop()
	defer most.Stop()
	select {
	case <-least.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-f.now:
	case <-most.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// tell gives grpc the addresses.
func (f *follower) tell(instances iter.Seq[naming.Instance]) {
	s, tlsOnly := f.state(instances)
	// The error is that there are no addresses, or that the policy refuses
	// them: it knows that itself, and it changes nothing to resolve again.
	_ = f.cc.UpdateState(s)
	if tlsOnly > 0 && len(s.Addresses) == 0 {
		f.cc.ReportError(fmt.Errorf("grpcresolver: service %s: all %d available instances have an SSL port alone: "+
			"use transport credentials with TLS", f.service, tlsOnly))
	}
}

// state is what grpc is told, and the number of instances that are left out
// since they have an SSL port alone, and the connection has no TLS.
func (f *follower) state(instances iter.Seq[naming.Instance]) (s resolver.State, tlsOnly int) {
	for in := range instances {
		if !f.all && !in.Available() {
			continue
		}
		if f.plain && in.Port == 0 && in.SSLPort != 0 {
			tlsOnly++
			continue
		}
		addr := resolver.Address{Addr: in.HostPort()}
		s.Addresses = append(s.Addresses, addr)
		s.Endpoints = append(s.Endpoints, describe(resolver.Endpoint{Addresses: []resolver.Address{addr}}, in))
	}
	return s, tlsOnly
}
