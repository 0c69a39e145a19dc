package grpcresolver_test

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/docent-go/docent/contrib/grpcresolver"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// world is an embedded ZooKeeper and a registry on it.
type world struct {
	*testing.T
	zk       *zktest.Server
	sm       *session.Manager
	registry *naming.Registry
}

func start(t *testing.T) *world {
	zk := zktest.New(t)
	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: zk.DialContext})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sm.Close()) })
	return &world{t, zk, sm, naming.NewRegistry(sm)}
}

// server is an instance with the method of the health service.
type server struct {
	grpc_health_v1.UnimplementedHealthServer
	*naming.Registration
	id      string
	grpc    *grpc.Server
	next    atomic.Pointer[pause] // for the next call
	crashed atomic.Bool
	done    chan struct{}
}

// crash ends the instance at once, with the calls that it answers.
func (s *server) crash() {
	s.crashed.Store(true)
	s.grpc.Stop()
}

// pause holds up a call.
type pause struct{ begun, over chan struct{} }

// Check implements grpc_health_v1.HealthServer.
func (s *server) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	if p := s.next.Swap(nil); p != nil {
		close(p.begun)
		select {
		case <-p.over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := grpc.SetHeader(ctx, metadata.Pairs("id", s.id)); err != nil {
		return nil, err
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

// serve starts an instance and registers it.
func (w *world) serve(id string) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w, err)
	s := &server{id: id, grpc: grpc.NewServer(), done: make(chan struct{})}
	grpc_health_v1.RegisterHealthServer(s.grpc, s)
	go func() {
		defer close(s.done)
		if err := s.grpc.Serve(l); err != nil {
			w.Errorf("server %s: %v", id, err)
		}
	}()
	w.Cleanup(func() {
		s.grpc.Stop()
		<-s.done
	})
	addr := l.Addr().(*net.TCPAddr)
	s.Registration, err = w.registry.Register(w.Context(), naming.Instance{Service: "orders", ID: id,
		Address: addr.IP.String(), Port: addr.Port})
	require.NoError(w, err)
	return s
}

const config = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"methodConfig": [{"name": [{}], "retryPolicy": {
		"maxAttempts": 4, "initialBackoff": "0.01s", "maxBackoff": "0.1s", "backoffMultiplier": 2,
		"retryableStatusCodes": ["UNAVAILABLE"]}}]
}`

func (w *world) connect(opts ...grpcresolver.Option) *grpc.ClientConn {
	opts = append([]grpcresolver.Option{grpcresolver.OpenOptions(func(string) []naming.OpenOption {
		return []naming.OpenOption{naming.Pause(time.Millisecond)}
	})}, opts...)
	conn, err := grpc.NewClient("docent:///orders", grpc.WithResolvers(grpcresolver.New(w.registry, opts...)),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(config))
	require.NoError(w, err)
	w.Cleanup(func() { _ = conn.Close() }) // a second Close is an error
	return conn
}

// call returns the id of the instance that answers. With an error it returns
// the id of the instance that has begun to answer.
func call(ctx context.Context, conn *grpc.ClientConn, opts ...grpc.CallOption) (string, error) {
	var header metadata.MD
	_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, append(opts, grpc.Header(&header))...)
	return strings.Join(header["id"], ""), err
}

// reached calls until exactly these instances answer, for several rounds. A
// call that chooses a connection at the moment at which grpc gives it up waits
// for those that are under way on it: it is made anew.
func (w *world) reached(conn *grpc.ClientConn, ids ...string) {
	for {
		seen := make(map[string]bool)
		for range 4 * len(ids) {
			ctx, cancel := context.WithTimeout(w.Context(), time.Second)
			id, err := call(ctx, conn, grpc.WaitForReady(true))
			cancel()
			if status.Code(err) != codes.DeadlineExceeded {
				require.NoError(w, err)
				seen[id] = true
			}
		}
		if slices.Equal(ids, slices.Sorted(maps.Keys(seen))) {
			return
		}
	}
}

// load calls from several goroutines until stop. No call may fail, but one that
// the instance had begun to answer when it crashed: no retry policy repeats it.
func (w *world) load(conn *grpc.ClientConn, crashing *server) (served *atomic.Int64, stop func()) {
	served = new(atomic.Int64)
	ctx, cancel := context.WithCancel(w.Context())
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for ctx.Err() == nil {
				if id, err := call(w.Context(), conn); err != nil && !(id == crashing.id && crashing.crashed.Load()) {
					w.Errorf("a call failed, %q had begun to answer it: %v", id, err)
					return
				}
				served.Add(1)
			}
		})
	}
	return served, func() {
		cancel()
		work.Wait()
	}
}
