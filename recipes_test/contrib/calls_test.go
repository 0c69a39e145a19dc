//go:build unix

package contrib

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/docent-go/docent/contrib/grpcresolver"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/httpbalance"
)

// server answers gRPC and HTTP calls, and counts them.
type server struct {
	grpc_health_v1.UnimplementedHealthServer
	id           string
	rpc, http    *net.TCPAddr
	calls, pages atomic.Int64
	drains       []*naming.Registration // of the instances registered by Docent
}

// Check implements grpc_health_v1.HealthServer.
func (s *server) Check(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	s.calls.Add(1)
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(to http.ResponseWriter, _ *http.Request) {
	s.pages.Add(1)
	io.WriteString(to, s.id)
}

// serve starts a server until the test ends.
func (w *world) serve(id string) *server {
	s := &server{id: id}
	listen := func() (net.Listener, *net.TCPAddr) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(w, err)
		return l, l.Addr().(*net.TCPAddr)
	}
	var listeners [2]net.Listener
	listeners[0], s.rpc = listen()
	listeners[1], s.http = listen()
	rpc, pages := grpc.NewServer(), &http.Server{Handler: s}
	grpc_health_v1.RegisterHealthServer(rpc, s)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := rpc.Serve(listeners[0]); err != nil {
			w.Errorf("serving %s: %v", id, err)
		}
	})
	serving.Go(func() {
		if err := pages.Serve(listeners[1]); !errors.Is(err, http.ErrServerClosed) {
			w.Errorf("serving %s: %v", id, err)
		}
	})
	w.Cleanup(func() {
		rpc.Stop()
		pages.Close()
		serving.Wait()
	})
	return s
}

// Names of the services.
const (
	calls = "calls"
	pages = "pages"
)

// byDocent serves two instances, registered by Docent.
func (w *world) byDocent(id string) *server {
	s := w.serve(id)
	for name, addr := range map[string]*net.TCPAddr{calls: s.rpc, pages: s.http} {
		g, err := naming.NewRegistry(w.sm).Register(w.within(), naming.Instance{Service: name, ID: id, Address: addr.IP.String(), Port: addr.Port})
		require.NoError(w, err)
		s.drains = append(s.drains, g)
	}
	return s
}

// byCurator serves two instances, registered by Curator.
func (w *world) byCurator(id string) *server {
	s := w.serve(id)
	for name, addr := range map[string]*net.TCPAddr{calls: s.rpc, pages: s.http} {
		w.java.Actor("services").Do("service.register", naming.NewRegistry(w.sm).Base(), name, id, addr.IP, addr.Port, "none", "DYNAMIC", true)
	}
	return s
}

// No call is repeated, except one that no server has seen: gRPC repeats such
// calls by itself.
const balanced = `{"loadBalancingConfig": [{"round_robin": {}}]}`

// load makes calls until the work ends; no call may fail. It returns the
// service for the metrics.
func (w *world) load() *naming.Service {
	registry := naming.NewRegistry(w.sm)
	conn, err := grpc.NewClient("docent:///"+calls, grpc.WithResolvers(grpcresolver.New(registry)),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(balanced))
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, conn.Close()) })
	health := grpc_health_v1.NewHealthClient(conn)
	w.begin("calls", func() error {
		_, err := health.Check(w.Context(), &grpc_health_v1.HealthCheckRequest{})
		return err
	})

	service, err := registry.Open(w.within(), pages)
	require.NoError(w, err)
	w.Cleanup(func() { _ = service.Close() })
	base := &http.Transport{}
	client := &http.Client{Transport: httpbalance.New(httpbalance.Service(pages, service), httpbalance.RoundTripper(base), httpbalance.Attempts(1))}
	w.Cleanup(client.CloseIdleConnections)
	w.begin("pages", func() error {
		r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, "http://"+pages+"/", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(r)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", response.Status)
		}
		_, err = io.Copy(io.Discard, response.Body)
		return err
	})
	return service
}
