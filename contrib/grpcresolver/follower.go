package grpcresolver

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/resolver"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// logger logs to the log of grpc.
var logger = grpclog.Component("docent")

// follower is the resolver of one connection.
type follower struct {
	*builder
	service string
	plain   bool // the connection has no TLS
	cc      resolver.ClientConn
	cancel  context.CancelFunc
	now     chan struct{} // holds a token after ResolveNow
	done    chan struct{} // closed when run has returned
}

// ResolveNow implements resolver.Resolver. It shortens the pause before the
// next attempt to read the service for the first time. After that it has no
// effect: the service is watched.
func (f *follower) ResolveNow(resolver.ResolveNowOptions) {
	select {
	case f.now <- struct{}{}:
	default:
	}
}

// closeLimit limits the wait of Close: a function of the program may hang, or
// may be the caller of Close.
const closeLimit = time.Second

// Close implements resolver.Resolver. It waits one second at most for a running
// function of the program, such as the function of naming.Filter.
func (f *follower) Close() {
	f.cancel()
	select {
	case <-f.done:
	case <-time.After(closeLimit):
	}
}

// Pauses between attempts to read a service for the first time. They grow.
// ResolveNow does not shorten a pause below minPause.
const (
	minPause = 100 * time.Millisecond
	maxPause = 10 * time.Second
)

// run follows the service until Close. It also ends when the session Manager is
// closed: the last known addresses stay then.
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
			// A node that is not an instance, or may not be read, does not
			// affect others.
			logger.Warningf("grpcresolver: service %s: %v", f.service, err)
			continue
		}
		if first || len(change.Events) > 0 {
			first = false
			f.tell(change.All())
		}
	}
}

// open reads the service for the first time, and tries again until it succeeds
// or ctx ends. It returns no other error than the error of ctx.
func (f *follower) open(ctx context.Context) (*naming.Service, error) {
	for n := 0; ; n++ {
		within, cancel := context.WithTimeout(ctx, f.timeout)
		service, err := f.registry.Open(within, f.service, f.options(f.service)...)
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
	bound := min(minPause<<min(n, 10), maxPause)
	shortest, longest := time.NewTimer(minPause), time.NewTimer(minPause+rand.N(bound))
	defer shortest.Stop()
	defer longest.Stop()
	select {
	case <-shortest.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-f.now:
	case <-longest.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// tell passes the addresses to grpc.
func (f *follower) tell(instances iter.Seq[naming.Instance]) {
	s, left := f.state(instances)
	// An error means that there are no addresses, or that the policy rejects
	// them. To resolve again would not change that.
	_ = f.cc.UpdateState(s)
	if len(s.Addresses) > 0 {
		return
	}
	switch {
	case left.tlsOnly > 0 && len(left.bad) > 0:
		f.cc.ReportError(fmt.Errorf("grpcresolver: service %s: %d available instances have only an SSL port, which needs transport "+
			"credentials with TLS, and no other has an address that can be called: %w", f.service, left.tlsOnly, left.bad))
	case left.tlsOnly > 0:
		f.cc.ReportError(fmt.Errorf("grpcresolver: service %s: all %d available instances have only an SSL port; "+
			"use transport credentials with TLS", f.service, left.tlsOnly))
	case len(left.bad) > 0:
		f.cc.ReportError(fmt.Errorf("grpcresolver: service %s: no available instance has an address that can be called: %w", f.service, left.bad))
	}
}

// leftOut is what is not passed to grpc.
type leftOut struct {
	tlsOnly int      // instances with an SSL port alone, if the connection has no TLS
	bad     problems // of the instances whose addresses cannot be called
}

// problems are the errors of instances.
type problems []error

// named is how many problems an error names.
const named = 8

// Error names the first problems, and counts the rest.
func (p problems) Error() string {
	var texts []string
	for _, err := range p[:min(named, len(p))] {
		texts = append(texts, err.Error())
	}
	if more := len(p) - named; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}

func (p problems) Unwrap() []error { return p }

// state returns the state for grpc. Of what the registry holds, it has the
// addresses and ports of instances: no name of a server, no service config, and
// no attribute that transport credentials read.
func (f *follower) state(instances iter.Seq[naming.Instance]) (s resolver.State, left leftOut) {
	for in := range instances {
		if !f.all && !in.Available() {
			continue
		}
		// grpc would read unix:/path as the path of a socket.
		if err := in.CheckAddress(); err != nil {
			err = fmt.Errorf("instance %q: %w", in.ID, err)
			left.bad = append(left.bad, err)
			logger.Warningf("grpcresolver: service %s: %v", f.service, err)
			continue
		}
		if f.plain && in.Port == 0 && in.SSLPort != 0 {
			left.tlsOnly++
			continue
		}
		at := in
		if !f.plain && at.SSLPort != 0 {
			at.Port = at.SSLPort
		}
		addr := resolver.Address{Addr: at.HostPort()}
		s.Addresses = append(s.Addresses, addr)
		s.Endpoints = append(s.Endpoints, describe(resolver.Endpoint{Addresses: []resolver.Address{addr}}, in))
	}
	return s, left
}
