package grpcresolver_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/docent-go/docent/contrib/grpcresolver"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func Example() {
	zk, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer zk.Close()
	ctx := context.Background()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1"}, Dialer: zk.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()
	registry := naming.NewRegistry(sm)

	// The server registers where it listens.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	addr := listener.Addr().(*net.TCPAddr)
	if _, err := registry.Register(ctx, naming.Instance{Service: "orders", ID: "orders-1",
		Address: addr.IP.String(), Port: addr.Port}); err != nil {
		log.Fatal(err)
	}

	// The client names the service.
	conn, err := grpc.NewClient("docent:///orders",
		grpc.WithResolvers(grpcresolver.New(registry)),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.GetStatus())
	// Output: SERVING
}
