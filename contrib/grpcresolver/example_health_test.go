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

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A service that needs ZooKeeper is ready while a quorum confirms its session.
// The server itself, whose name is "", is alive all the same: a restart does
// not bring ZooKeeper back.
func Example_health() {
	zk, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer zk.Close()
	link := zk.Link()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1"}, Dialer: link.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	status := health.NewServer()
	status.SetServingStatus("orders", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	go func() { // ends with ctx, and with sm
		for change := range sm.ConfirmedStates(ctx) {
			ready := grpc_health_v1.HealthCheckResponse_NOT_SERVING
			if change.State == session.Connected {
				ready = grpc_health_v1.HealthCheckResponse_SERVING
			}
			status.SetServingStatus("orders", ready)
		}
	}()
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, status)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()

	// A load balancer watches the service.
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	client := grpc_health_v1.NewHealthClient(conn)
	watch, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{Service: "orders"})
	if err != nil {
		log.Fatal(err)
	}
	until := func(want grpc_health_v1.HealthCheckResponse_ServingStatus) {
		for {
			answer, err := watch.Recv()
			if err != nil {
				log.Fatal(err)
			}
			if answer.GetStatus() == want {
				fmt.Println("orders:", want)
				return
			}
		}
	}
	until(grpc_health_v1.HealthCheckResponse_SERVING)
	link.Refuse(true) // the network is gone
	link.Disconnect()
	until(grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	alive, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the server:", alive.GetStatus())
	link.Refuse(false)
	until(grpc_health_v1.HealthCheckResponse_SERVING)
	// Output:
	// orders: SERVING
	// orders: NOT_SERVING
	// the server: SERVING
	// orders: SERVING
}
