package docentkratos_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-kratos/kratos/v2/registry"

	docentkratos "github.com/docent-go/docent/contrib/kratos"
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
	r := docentkratos.New(sm)
	defer r.Close()

	// kratos.Registrar(r) does this when an app runs, and grpc.WithDiscovery(r)
	// watches the service.
	orders := &registry.ServiceInstance{ID: "orders-1", Name: "orders", Endpoints: []string{"grpc://10.0.0.1:9000"}}
	if err := r.Register(ctx, orders); err != nil {
		log.Fatal(err)
	}
	all, err := r.GetService(ctx, "orders")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(all[0].Endpoints)
	// Output: [grpc://10.0.0.1:9000]
}
