package grpcresolver

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"

	"github.com/docent-go/docent/naming"
)

// Scheme is the scheme of the targets, such as docent:///orders.
const Scheme = "docent"

// DefaultOpenTimeout is the default of OpenTimeout.
const DefaultOpenTimeout = 10 * time.Second

// Option changes how a Builder resolves.
type Option func(*builder)

// OpenOptions sets a function that returns the options with which each service
// is opened, such as naming.CacheFile or naming.Filter.
func OpenOptions(f func(service string) []naming.OpenOption) Option {
	return func(b *builder) { b.options = f }
}

// KeepDraining also resolves instances that are disabled or draining. It is for
// a balancing policy that checks them with InstanceOf: other policies send
// calls to them.
func KeepDraining() Option { return func(b *builder) { b.all = true } }

// OpenTimeout is the time for which calls wait for the first addresses of a
// service. After that, calls without WaitForReady fail, and the resolver tries
// again.
func OpenTimeout(d time.Duration) Option { return func(b *builder) { b.timeout = d } }

// ServerName sets a function that returns the name for which the certificates
// of a service's instances are verified. It is also the authority of the calls.
// The default, also for an empty result, is the name of the service. Nothing in
// the registry changes the name. grpc.WithAuthority, and a server name in the
// transport credentials, have precedence.
//
// f is called when a connection is made, and must not block.
func ServerName(f func(service string) string) Option {
	return func(b *builder) { b.serverName = f }
}

type builder struct {
	registry   *naming.Registry
	options    func(service string) []naming.OpenOption
	serverName func(service string) string
	all        bool
	timeout    time.Duration
}

var _ resolver.AuthorityOverrider = (*builder)(nil)

// New returns a Builder for the services of a registry, to be given to
// grpc.WithResolvers or resolver.Register. New sends no request. The Builder is
// safe for concurrent use.
func New(registry *naming.Registry, opts ...Option) resolver.Builder {
	b := &builder{
		registry:   registry,
		options:    func(string) []naming.OpenOption { return nil },
		serverName: func(string) string { return "" },
		timeout:    DefaultOpenTimeout,
	}
	for _, opt := range opts {
		opt(b)
	}
	return b
}

// Scheme implements resolver.Builder.
func (b *builder) Scheme() string { return Scheme }

// OverrideAuthority implements resolver.AuthorityOverrider. grpc verifies the
// certificates of the instances for this name, since no address has another.
func (b *builder) OverrideAuthority(target resolver.Target) string {
	service := target.Endpoint()
	return authority(cmp.Or(b.serverName(service), service))
}

// authority writes a name as the authority of an HTTP/2 request. It escapes what
// an authority cannot have; a certificate cannot be valid for the result then.
func authority(name string) string {
	if ip, err := netip.ParseAddr(name); err == nil && ip.Is6() {
		return "[" + ip.String() + "]"
	}
	return url.PathEscape(name)
}

// Build implements resolver.Builder. It sends no request. The error says why
// the target is invalid.
func (b *builder) Build(target resolver.Target, cc resolver.ClientConn, opts resolver.BuildOptions) (resolver.Resolver, error) {
	service := target.Endpoint()
	text := target.URL.Redacted()
	switch {
	case target.URL.User != nil, target.URL.RawQuery != "", target.URL.ForceQuery, target.URL.Fragment != "":
		return nil, fmt.Errorf("grpcresolver: target %q has a user, a query or a fragment; write %s:///service", text, Scheme)
	case strings.Contains(service, "/"):
		return nil, fmt.Errorf("grpcresolver: target %q: the service %q contains a slash; write %s:///service", text, service, Scheme)
	case target.URL.Host != "":
		return nil, fmt.Errorf("grpcresolver: target %q has a host; write %s:///service", text, Scheme)
	case service == "":
		return nil, fmt.Errorf("grpcresolver: target %q has no service; write %s:///service", text, Scheme)
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
