package grpcresolver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"

	"github.com/docent-go/docent/naming"
)

// Scheme is that of the targets: docent:///orders.
const Scheme = "docent"

// DefaultPatience is the default of Patience.
const DefaultPatience = 10 * time.Second

// Option changes how a Builder resolves.
type Option func(*builder)

// Watching gives options to the watch of each service, such as
// naming.CacheFile or naming.Where.
func Watching(of func(service string) []naming.WatchOption) Option {
	return func(b *builder) { b.watch = of }
}

// KeepDraining names the instances that are disabled or draining too, for a
// policy that looks at them by InstanceOf. Others send calls to them.
func KeepDraining() Option { return func(b *builder) { b.all = true } }

// Patience is how long calls wait for the first addresses of a service. When
// they cannot be had by then, calls fail that do not wait for readiness, and it
// is tried again.
func Patience(d time.Duration) Option { return func(b *builder) { b.patience = d } }

type builder struct {
	registry *naming.Registry
	watch    func(service string) []naming.WatchOption
	all      bool
	patience time.Duration
}

// New returns a Builder for the services of a registry, which grpc.WithResolvers
// or resolver.Register takes. It does no I/O, and is safe for concurrent use.
func New(registry *naming.Registry, opts ...Option) resolver.Builder {
	b := &builder{
		registry: registry,
		watch:    func(string) []naming.WatchOption { return nil },
		patience: DefaultPatience,
	}
	for _, opt := range opts {
		opt(b)
	}
	return b
}

// Scheme implements resolver.Builder.
func (b *builder) Scheme() string { return Scheme }

// Build implements resolver.Builder. It does no I/O. The error says what is
// wrong with the target.
func (b *builder) Build(target resolver.Target, cc resolver.ClientConn, opts resolver.BuildOptions) (resolver.Resolver, error) {
	service := target.Endpoint()
	text := target.URL.Redacted()
	switch {
	case target.URL.User != nil, target.URL.RawQuery != "", target.URL.ForceQuery, target.URL.Fragment != "":
		return nil, fmt.Errorf("grpcresolver: target %q: want %s:///service alone, without a user, a query or a fragment", text, Scheme)
	case strings.Contains(service, "/"):
		return nil, fmt.Errorf("grpcresolver: target %q: the service %q contains a slash: want %s:///service", text, service, Scheme)
	case target.URL.Host != "":
		return nil, fmt.Errorf("grpcresolver: target %q: want %s:///service, without a host", text, Scheme)
	case service == "":
		return nil, fmt.Errorf("grpcresolver: target %q names no service: want %s:///service", text, Scheme)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &follower{
		builder: b,
		service: service,
		plain:   plaintext(opts),
		cc:      cc,
		cancel:  cancel,
		now:     make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	go r.run(ctx)
	return r, nil
}

// plaintext reports whether the connection has no TLS.
func plaintext(opts resolver.BuildOptions) bool {
	creds := opts.DialCreds
	if creds == nil && opts.CredsBundle != nil {
		creds = opts.CredsBundle.TransportCredentials()
	}
	return creds != nil && creds.Info().SecurityProtocol == insecure.NewCredentials().Info().SecurityProtocol
}
