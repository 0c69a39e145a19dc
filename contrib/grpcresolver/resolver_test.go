package grpcresolver_test

import (
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"
	"google.golang.org/grpc/status"

	"github.com/docent-go/docent/contrib/grpcresolver"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Instances come, drain, go and crash under load: no call fails that the retry
// policy would not cover.
func TestRollingRestart(t *testing.T) {
	w := start(t)
	a, b := w.serve("a"), w.serve("b")
	conn := w.connect()
	w.reached(conn, "a", "b")
	served, stop := w.load(conn, b)
	more := func() {
		for goal := served.Load() + 50; served.Load() < goal && !t.Failed(); {
			_, _ = call(t.Context(), conn)
		}
	}
	c := w.serve("c")
	w.reached(conn, "a", "b", "c")

	require.NoError(t, a.Drain(t.Context()))
	w.reached(conn, "b", "c")
	more()
	a.grpc.GracefulStop()
	require.NoError(t, a.Unregister(t.Context()))
	more()

	w.serve("d")
	w.reached(conn, "b", "c", "d")
	b.crash() // it goes on being named
	w.reached(conn, "c", "d")
	more()
	require.NoError(t, b.Unregister(t.Context()))
	more()
	require.NoError(t, c.Unregister(t.Context())) // without a drain
	w.reached(conn, "d")
	more()
	stop()
}

// A call that is under way when its instance drains is finished.
func TestDrainLetsCallsFinish(t *testing.T) {
	w := start(t)
	a := w.serve("a")
	conn := w.connect()
	w.reached(conn, "a")
	p := &pause{make(chan struct{}), make(chan struct{})}
	a.next.Store(p)
	answer := make(chan error, 1)
	go func() {
		id, err := call(t.Context(), conn)
		if err == nil && id != "a" {
			err = status.Errorf(codes.Internal, "answered by %s", id)
		}
		answer <- err
	}()
	<-p.begun // by that call, and not by one of those that follow
	w.serve("b")
	require.NoError(t, a.Drain(t.Context()))
	w.reached(conn, "b")
	require.Empty(t, answer)
	close(p.over)
	require.NoError(t, <-answer)
}

// While ZooKeeper is away, and after the manager was closed, calls go where
// they went.
func TestLastKnownGood(t *testing.T) {
	w := start(t)
	w.serve("a")
	w.serve("b")
	conn := w.connect()
	w.reached(conn, "a", "b")
	w.zk.Freeze()
	w.reached(conn, "a", "b")
	for _, s := range w.zk.Sessions() {
		w.zk.Disconnect(s.ID)
	}
	w.reached(conn, "a", "b")
	w.zk.Thaw()
	require.NoError(t, w.sm.Close())
	w.reached(conn, "a", "b")
}

// A service without instances fails calls, and serves them as soon as there is
// one.
func TestEmpty(t *testing.T) {
	w := start(t)
	conn := w.connect()
	_, err := call(t.Context(), conn)
	require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
	w.serve("a")
	w.reached(conn, "a")
}

// Where the service cannot be read, calls say why, and it is read again.
func TestCannotBeRead(t *testing.T) {
	w := start(t)
	remove := w.zk.Intercept(func(r zktest.Request) zktest.Action {
		if r.Path == "/services/orders" || r.Path == "/services" {
			return zktest.Fail(zktest.CodeNoAuth)
		}
		return zktest.Pass
	})
	conn := w.connect(grpcresolver.OpenTimeout(time.Second))
	_, err := call(t.Context(), conn)
	require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
	require.ErrorContains(t, err, "service orders")
	require.ErrorContains(t, err, "the ACL denies access")
	remove()
	w.serve("a")
	w.reached(conn, "a")
}

// ResolveNow cuts the pause between attempts short, and does not do away with
// it.
func TestResolveNow(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if strings.HasPrefix(r.Path, "/services") {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		u, err := url.Parse("docent:///orders")
		require.NoError(w, err)
		cc := channel{states: make(chan resolver.State, 100), failed: new(atomic.Int64), last: new(atomic.Value)}
		r, err := grpcresolver.New(naming.NewRegistry(w.Process().Manager)).Build(resolver.Target{URL: *u}, cc, resolver.BuildOptions{})
		require.NoError(w, err)
		defer r.Close()
		time.Sleep(time.Hour)
		synctest.Wait()
		attempts := cc.failed.Swap(0)
		require.Greater(w, attempts, int64(360))
		require.Less(w, attempts, int64(1500))
		for range 1000 {
			r.ResolveNow(resolver.ResolveNowOptions{})
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		attempts = cc.failed.Load()
		require.Greater(w, attempts, int64(5))
		require.LessOrEqual(w, attempts, int64(11))
		remove()
		time.Sleep(100 * time.Millisecond)
		r.ResolveNow(resolver.ResolveNowOptions{})
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		require.Len(w, cc.states, 1)
	})
}

// Nothing is left behind a Close, whatever it was doing.
func TestClose(t *testing.T) {
	w := start(t)
	w.serve("a")
	conn := w.connect()
	w.reached(conn, "a")
	require.NoError(t, conn.Close())

	sm, err := session.Start(session.Config{Servers: []string{"127.0.0.1:1"}})
	require.NoError(t, err)
	defer sm.Close()
	conn, err = grpc.NewClient("docent:///orders", grpc.WithResolvers(grpcresolver.New(naming.NewRegistry(sm), grpcresolver.OpenTimeout(10*time.Millisecond))),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	for { // the first attempts may be over before the system has answered at all
		_, err = call(t.Context(), conn)
		require.Equal(t, codes.Unavailable, status.Code(err))
		if strings.Contains(err.Error(), "no ZooKeeper server could be reached") {
			break
		}
	}
	require.NoError(t, conn.Close()) // TestMain finds what is left
}

func TestTargets(t *testing.T) {
	b := grpcresolver.New(start(t).registry)
	for target, want := range map[string]string{
		"docent:///":           "has no service",
		"docent://host/orders": "has a host",
	} {
		u, err := url.Parse(target)
		require.NoError(t, err)
		_, err = b.Build(resolver.Target{URL: *u}, nil, resolver.BuildOptions{})
		require.ErrorContains(t, err, want)
	}
}

// What a target says beyond the service would be ignored, so it is refused.
func TestFault08_Targets(t *testing.T) {
	b := grpcresolver.New(start(t).registry)
	for target, want := range map[string]string{
		"docent:///orders?zone=a":         "has a user, a query or a fragment",
		"docent:///orders?":               "query",
		"docent:///orders#v2":             "fragment",
		"docent://ann:geheim@zk1/orders":  "has a user",
		"docent:///orders/":               "contains a slash",
		"docent:///services/orders":       "contains a slash",
		"docent:///a%2Fb":                 "contains a slash",
		"docent://zk1:2181/orders":        "has a host",
		"docent://zk1:2181/app/x?zone=eu": "query",
	} {
		u, err := url.Parse(target)
		require.NoError(t, err)
		_, err = b.Build(resolver.Target{URL: *u}, nil, resolver.BuildOptions{})
		require.ErrorContains(t, err, want, target)
		require.NotContains(t, err.Error(), "geheim")
	}
}

// channel is what a resolver tells.
type channel struct {
	resolver.ClientConn
	states chan resolver.State
	failed *atomic.Int64 // how often it was told of an error
	last   *atomic.Value // the text of the last error
}

func (c channel) UpdateState(s resolver.State) error {
	c.states <- s
	return nil
}
func (c channel) ReportError(err error)                                { c.failed.Add(1); c.last.Store(err.Error()) }
func (c channel) ParseServiceConfig(string) *serviceconfig.ParseResult { return nil }

// Policies see the weight and the draining; grpc sees whether anything changed.
func TestAttributes(t *testing.T) {
	w := start(t)
	for _, in := range []naming.Instance{
		{Service: "orders", ID: "a", Address: "10.0.0.1", Port: 80, Weight: 3, Metadata: map[string]string{"zone": "x"}},
		{Service: "orders", ID: "b", Address: "::1", Port: 80, Draining: true},
	} {
		_, err := w.registry.Register(t.Context(), in)
		require.NoError(t, err)
	}
	resolve := func(opts ...grpcresolver.Option) resolver.State {
		u, err := url.Parse("docent:///orders")
		require.NoError(t, err)
		cc := channel{states: make(chan resolver.State, 100), failed: new(atomic.Int64), last: new(atomic.Value)}
		r, err := grpcresolver.New(w.registry, opts...).Build(resolver.Target{URL: *u}, cc, resolver.BuildOptions{})
		require.NoError(t, err)
		defer r.Close()
		return <-cc.states
	}
	s := resolve()
	require.Equal(t, []resolver.Address{{Addr: "10.0.0.1:80"}}, s.Addresses)
	require.Len(t, s.Endpoints, 1)
	in, ok := grpcresolver.InstanceOf(s.Endpoints[0])
	require.True(t, ok)
	require.Equal(t, 3, in.Weight)
	require.Equal(t, "x", in.Metadata["zone"])

	all := resolve(grpcresolver.KeepDraining())
	require.Equal(t, []resolver.Address{{Addr: "10.0.0.1:80"}, {Addr: "[::1]:80"}}, all.Addresses)
	in, ok = grpcresolver.InstanceOf(all.Endpoints[1])
	require.True(t, ok)
	require.True(t, in.Draining)
	require.True(t, s.Endpoints[0].Attributes.Equal(all.Endpoints[0].Attributes))
	require.False(t, all.Endpoints[0].Attributes.Equal(all.Endpoints[1].Attributes))
	_, ok = grpcresolver.InstanceOf(resolver.Endpoint{})
	require.False(t, ok)
}
