package grpcresolver_test

import (
	"context"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"

	"github.com/docent-go/docent/contrib/grpcresolver"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/zktest"
)

// build resolves docent:///orders for a connection with these options.
func build(w *testworld.World, opts resolver.BuildOptions) channel {
	u, err := url.Parse("docent:///orders")
	require.NoError(w, err)
	cc := channel{states: make(chan resolver.State, 100), failed: new(atomic.Int64), last: new(atomic.Value)}
	r, err := grpcresolver.New(naming.NewRegistry(w.Process().Manager)).Build(resolver.Target{URL: *u}, cc, opts)
	require.NoError(w, err)
	w.Cleanup(r.Close)
	return cc
}

// newest waits until all is quiet, and returns the addresses of the last state.
func (c channel) newest(w *testworld.World) []string {
	time.Sleep(time.Second)
	require.NotEmpty(w, c.states, "nothing was resolved")
	var addrs []string
	for len(c.states) > 0 {
		addrs = nil
		for _, a := range (<-c.states).Addresses {
			addrs = append(addrs, a.Addr)
		}
	}
	return addrs
}

// A node that holds no instance, and one that may not be read, do not stop the
// rest from being followed.
func TestFault19_UnreadableNodes(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		add := func(id string) {
			_, err := naming.NewRegistry(p.Manager).Register(w.Context(), naming.Instance{Service: "orders", ID: id, Address: "h-" + id, Port: 80})
			require.NoError(w, err)
		}
		add("a")
		cc := build(w, resolver.BuildOptions{})
		require.Equal(w, []string{"h-a:80"}, cc.newest(w))
		w.Put("/services/orders/malformed", "{")
		w.Fail(zktest.OpGetData, "/services/orders/secret", zktest.CodeNoAuth)
		w.Put("/services/orders/secret", "x")
		time.Sleep(time.Minute)
		add("b")
		require.Equal(w, []string{"h-a:80", "h-b:80"}, cc.newest(w))
	})
}

// An instance that speaks TLS alone gets no connection without TLS. A connection
// with TLS goes to the SSL port.
func TestFault26_SSLPortOnly(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		r := naming.NewRegistry(w.Process().Manager)
		for _, in := range []naming.Instance{
			{Service: "orders", ID: "plain", Address: "[::1]", Port: 80, SSLPort: 443},
			{Service: "orders", ID: "tls", Address: "fe80::1%eth0", SSLPort: 443},
		} {
			_, err := r.Register(w.Context(), in)
			require.NoError(w, err)
		}
		plain := build(w, resolver.BuildOptions{DialCreds: insecure.NewCredentials()})
		require.Equal(w, []string{"[::1]:80"}, plain.newest(w))
		secure := build(w, resolver.BuildOptions{DialCreds: credentials.NewTLS(nil)})
		require.Equal(w, []string{"[::1]:443", "[fe80::1%eth0]:443"}, secure.newest(w))
	})
}

// Where no instance is left for a connection without TLS, calls are told why.
func TestFault26_SSLPortOnlyIsExplained(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		_, err := naming.NewRegistry(w.Process().Manager).Register(context.Background(),
			naming.Instance{Service: "orders", ID: "tls", Address: "h", SSLPort: 443})
		require.NoError(w, err)
		cc := build(w, resolver.BuildOptions{DialCreds: insecure.NewCredentials()})
		time.Sleep(time.Second)
		require.EqualValues(w, 1, cc.failed.Load())
	})
}
