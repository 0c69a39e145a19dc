package naming_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A service registers where it can be reached; a client watches the service and
// balances over its instances.
func Example() {
	ctx := context.Background()
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	registry := naming.NewRegistry(sm)

	for i, host := range []string{"10.0.0.1", "10.0.0.2"} { // each on its own machine
		g, err := registry.Register(ctx, naming.Instance{Service: "orders", ID: fmt.Sprint("orders-", i), Address: host, Port: 8080})
		if err != nil {
			log.Fatal(err)
		}
		defer func() { _ = g.Unregister(ctx) }()
	}

	orders, err := registry.Open(ctx, "orders")
	if err != nil {
		log.Fatal(err)
	}
	defer orders.Close()
	balancer, err := orders.Balancer(naming.RoundRobin())
	if err != nil {
		log.Fatal(err)
	}
	for range 4 {
		p, err := balancer.Pick("")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("call", p.Item.HostPort())
		p.Done(nil) // or the error of the call
	}
	// Unordered output:
	// call 10.0.0.1:8080
	// call 10.0.0.1:8080
	// call 10.0.0.2:8080
	// call 10.0.0.2:8080
}

// An instance that is to be stopped drains first, and a client sees it.
func ExampleRegistration_Drain() {
	ctx := context.Background()
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	registry := naming.NewRegistry(sm)
	g, err := registry.Register(ctx, naming.Instance{Service: "orders", ID: "orders-0", Address: "10.0.0.1", Port: 8080})
	if err != nil {
		log.Fatal(err)
	}
	orders, err := registry.Open(ctx, "orders", naming.ProtectEmpty(0))
	if err != nil {
		log.Fatal(err)
	}
	defer orders.Close()
	for change, err := range orders.Changes(ctx) {
		if err != nil {
			log.Print(err) // a node that holds no instance, for example
			continue
		}
		for _, e := range change.Events {
			fmt.Println(e.Kind, e.Instance.ID, "draining:", e.Instance.Draining)
			switch {
			case e.Kind == naming.Added:
				err = g.Drain(ctx)
			case e.Kind == naming.Updated: // and when the last call is over
				err = g.Unregister(ctx)
			}
			if err != nil {
				log.Fatal(err)
			}
		}
		if change.Len() == 0 {
			break
		}
	}
	// Output:
	// added orders-0 draining: false
	// updated orders-0 draining: true
	// removed orders-0 draining: true
}

// Names that were never given out before.
func ExampleNames() {
	ctx := context.Background()
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	names := naming.NewNames(sm, "/names/orders", "order-")
	first, err := names.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	second, err := names.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.HasPrefix(first, "order-0000"), len(first), second > first)
	// Output: true 25 true
}

// A small number for each process, such as the machine's part of a snowflake
// id.
func ExampleWorkers() {
	ctx := context.Background()
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	workers := naming.NewWorkers(sm, "/ids/orders", 1024)
	for _, host := range []string{"host-7", "host-8"} { // each on its own machine
		w, err := workers.Acquire(ctx, host)
		if err != nil {
			log.Fatal(err)
		}
		defer func() { _ = w.Release() }()
		if w.Context().Err() == nil { // looked at before ids are made
			fmt.Println(host, "is", w.ID())
		}
	}
	// Output:
	// host-7 is 0
	// host-8 is 1
}
