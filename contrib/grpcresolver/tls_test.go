package grpcresolver_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/status"

	"github.com/docent-go/docent/contrib/grpcresolver"
	"github.com/docent-go/docent/internal/testing/testpki"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// secureServer is an instance with TLS. It records each call that reaches it.
type secureServer struct {
	grpc_health_v1.UnimplementedHealthServer
	id    string
	calls atomic.Int64

	mu   sync.Mutex
	sent metadata.MD // by the last call
}

// Check implements grpc_health_v1.HealthServer.
func (s *secureServer) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	s.calls.Add(1)
	s.mu.Lock()
	s.sent, _ = metadata.FromIncomingContext(ctx)
	s.mu.Unlock()
	if err := grpc.SetHeader(ctx, metadata.Pairs("id", s.id)); err != nil {
		return nil, err
	}
	return &grpc_health_v1.HealthCheckResponse{}, nil
}

// serveTLS starts an instance and registers it, changed.
func (w *world) serveTLS(id string, cert tls.Certificate, change func(*naming.Instance)) *secureServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w, err)
	s := &secureServer{id: id}
	srv := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&cert)))
	grpc_health_v1.RegisterHealthServer(srv, s)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	w.Cleanup(func() {
		srv.Stop()
		require.NoError(w, <-done)
	})
	in := naming.Instance{Service: "orders", ID: id, Address: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}
	if change != nil {
		change(&in)
	}
	_, err = w.registry.Register(w.Context(), in)
	require.NoError(w, err)
	return s
}

// token is a credential of each call.
type token struct{}

func (token) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer secret"}, nil
}
func (token) RequireTransportSecurity() bool { return true }

// dialTLS makes a connection that trusts the authority.
func (w *world) dialTLS(ca *testpki.Authority, opts []grpcresolver.Option, more ...grpc.DialOption) *grpc.ClientConn {
	conn, err := grpc.NewClient("docent:///orders", append([]grpc.DialOption{
		grpc.WithResolvers(grpcresolver.New(w.registry, opts...)), grpc.WithDefaultServiceConfig(config), grpc.WithPerRPCCredentials(token{}),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12})),
	}, more...)...)
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, conn.Close()) })
	return conn
}

// named is metadata with which a stranger would change the name to verify.
var named = map[string]string{
	"ServerName": "evil.example", "serverName": "evil.example", "server_name": "evil.example", "authority": "evil.example", ":authority": "evil.example",
	"grpc.disable_tls": "true", "serviceConfig": `{"loadBalancingPolicy":"pick_first"}`, "grpc.service_config": `{}`, "scheme": "unix",
}

// A stranger has a valid certificate for a name of its own, and registers under
// that name. It gets no call.
func TestFault45_StrangerGetsNothing(t *testing.T) {
	w := start(t)
	ca := testpki.New(t)
	stranger := w.serveTLS("stranger", ca.Issue("evil.example", "127.0.0.1"), func(in *naming.Instance) { in.Metadata = named })
	conn := w.dialTLS(ca, nil)
	_, err := call(t.Context(), conn)
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.ErrorContains(t, err, "not orders")

	good := w.serveTLS("good", ca.Issue("orders"), nil)
	w.reached(conn, "good")
	for range 50 {
		id, err := call(t.Context(), conn)
		require.NoError(t, err)
		require.Equal(t, "good", id)
	}
	require.Zero(t, stranger.calls.Load())
	good.mu.Lock()
	defer good.mu.Unlock()
	require.Equal(t, []string{"orders"}, good.sent[":authority"])
	require.Equal(t, []string{"Bearer secret"}, good.sent["authorization"])
}

// The name to verify is grpc.WithAuthority's, the credentials', the option's or
// the service's, in this order.
func TestFault45_ServerName(t *testing.T) {
	ca := testpki.New(t)
	option := []grpcresolver.Option{grpcresolver.ServerName(func(service string) string { return service + ".internal" })}
	empty := []grpcresolver.Option{grpcresolver.ServerName(func(string) string { return "" })}
	ip := []grpcresolver.Option{grpcresolver.ServerName(func(string) string { return "2001:db8::7" })}
	creds := grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		RootCAs: ca.Pool(), ServerName: "fleet.internal", MinVersion: tls.VersionTLS12,
	}))
	for _, test := range []struct {
		opts []grpcresolver.Option
		more []grpc.DialOption
		want string
	}{
		{want: "orders"},
		{opts: option, want: "orders.internal"},
		{opts: empty, want: "orders"},
		{opts: ip, want: "2001:db8::7"},
		{opts: option, more: []grpc.DialOption{creds}, want: "fleet.internal"},
		{opts: option, more: []grpc.DialOption{grpc.WithAuthority("pay.internal")}, want: "pay.internal"},
	} {
		w := start(t)
		stranger := w.serveTLS("stranger", ca.Issue("127.0.0.1", "evil.example"), nil)
		w.serveTLS("good", ca.Issue(test.want), nil)
		w.reached(w.dialTLS(ca, test.opts, test.more...), "good")
		require.Zero(t, stranger.calls.Load(), test.want)
	}
}

// Of what the registry holds, grpc gets addresses, and one attribute of the
// endpoints that transport credentials do not see.
func TestFault45_MetadataChangesNothing(t *testing.T) {
	w := start(t)
	ca := testpki.New(t)
	w.serveTLS("good", ca.Issue("orders"), func(in *naming.Instance) {
		in.Metadata = named
		in.URISpec = naming.URISpec{{Value: "https://evil.example/"}}
	})
	cc := channel{states: make(chan resolver.State, 100), failed: new(atomic.Int64), last: new(atomic.Value)}
	r, err := grpcresolver.New(w.registry).Build(resolver.Target{URL: url.URL{Scheme: "docent", Path: "/orders"}}, cc, resolver.BuildOptions{})
	require.NoError(t, err)
	s := <-cc.states
	r.Close()
	require.Nil(t, s.ServiceConfig)
	require.Nil(t, s.Attributes)
	require.Len(t, s.Addresses, 1)
	for _, a := range append(s.Addresses, s.Endpoints[0].Addresses...) {
		require.Equal(t, resolver.Address{Addr: a.Addr}, a, "no name of a server, no attribute")
	}

	recording := &recordingCreds{TransportCredentials: credentials.NewTLS(&tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12})}
	w.reached(w.dialTLS(ca, nil, grpc.WithTransportCredentials(recording)), "good")
	require.Equal(t, "orders", recording.authority.Load())
	require.Zero(t, recording.attributes.Load())
}

// recordingCreds records what grpc tells the credentials of a connection.
type recordingCreds struct {
	credentials.TransportCredentials
	authority  atomic.Value
	attributes atomic.Int64
}

func (r *recordingCreds) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	r.authority.Store(authority)
	if credentials.ClientHandshakeInfoFromContext(ctx).Attributes != nil {
		r.attributes.Add(1)
	}
	return r.TransportCredentials.ClientHandshake(ctx, authority, conn)
}

// A service is named as in ZooKeeper, where Orders is not orders.
func TestFault45_TargetsAreExact(t *testing.T) {
	w := start(t)
	w.serve("a")
	conn, err := grpc.NewClient("DOCENT:///Orders", grpc.WithResolvers(grpcresolver.New(w.registry)),
		grpc.WithTransportCredentials(credentials.NewTLS(nil)))
	require.NoError(t, err)
	defer conn.Close()
	_, err = call(t.Context(), conn)
	require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
}

// Addresses that cannot be called are left out: grpc would read some of them as
// the paths of sockets.
func TestFault29_UnusableAddresses(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		for id, address := range map[string]string{
			"a": `"unix:///run/x.sock"`, "b": `"unix:/run/x.sock"`, "c": `"unix-abstract:x"`, "d": `""`, "e": `"0.0.0.0"`, "f": `"h:1"`, "g": `"passthrough:///h"`,
		} {
			w.Put("/services/orders/"+id, `{"name":"orders","id":"`+id+`","address":`+address+`}`)
		}
		cc := build(w, resolver.BuildOptions{})
		require.Empty(w, cc.newest(w))
		time.Sleep(time.Second)
		require.EqualValues(w, 1, cc.failed.Load())
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			require.Contains(w, cc.last.Load(), `instance "`+id+`": `, "each is named with its reason")
		}
		_, err := naming.NewRegistry(w.Process().Manager).Register(w.Context(), naming.Instance{Service: "orders", ID: "z", Address: "h", Port: 80})
		require.NoError(w, err)
		require.Equal(w, []string{"h:80"}, cc.newest(w))
	})
}

// AddressRules work as a filter, and as the check of a dialer.
func TestFault45_AddressRules(t *testing.T) {
	w := start(t)
	ca := testpki.New(t)
	s := w.serveTLS("a", ca.Issue("orders"), nil)
	var rules naming.AddressRules
	dialer := &net.Dialer{Control: rules.Control}
	conn := w.dialTLS(ca, nil, grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", addr)
	}))
	_, err := call(t.Context(), conn)
	require.ErrorContains(t, err, "which the AddressRules reject")

	filtered := w.dialTLS(ca, []grpcresolver.Option{grpcresolver.OpenOptions(func(string) []naming.OpenOption {
		return []naming.OpenOption{naming.Filter(rules.Accept)}
	})})
	_, err = call(t.Context(), filtered)
	require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
	require.NotContains(t, err.Error(), "AddressRules", "nothing is dialled")
	require.Zero(t, s.calls.Load())
}
