package counter_test

import (
	"context"
	"fmt"
	"log"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func ExampleCounter_Add() {
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

	orders := counter.New(sm, "/counters/orders")
	for _, n := range []int64{5, 3, -1} {
		total, err := orders.Add(ctx, n)
		fmt.Println(total, err)
	}
	// Output:
	// 5 <nil>
	// 8 <nil>
	// 7 <nil>
}

func ExampleCounter_Changes() {
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

	orders := counter.New(sm, "/counters/orders")
	for v, err := range orders.Changes(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(v.N, v.Exists)
		if v.N == 2 {
			break
		}
		if _, err := orders.Add(ctx, 1); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// 0 false
	// 1 true
	// 2 true
}

func ExampleSequence() {
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

	ids := counter.NewSequence(sm, "/sequences/invoice", counter.Block(1000))
	defer ids.Close()
	for range 3 {
		id, err := ids.Next(ctx)
		fmt.Println(id, err)
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
	// 3 <nil>
}
