package counter_test

import (
	"context"
	"fmt"
	"log"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// dial opens a session on an embedded server. A program names its own servers
// in Config.Servers, and leaves Dialer out.
func dial() (sm *session.Manager, done func()) {
	srv, err := zktest.Start()
	if err != nil {
		log.Fatal(err)
	}
	sm, err = session.Dial(context.Background(), session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	return sm, func() {
		_ = sm.Close()
		_ = srv.Close()
	}
}

func ExampleCounter_Add() {
	sm, done := dial()
	defer done()
	ctx := context.Background()

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
	sm, done := dial()
	defer done()
	ctx := context.Background()

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
	sm, done := dial()
	defer done()

	ids := counter.NewSequence(sm, "/sequences/invoice", counter.Block(1000))
	defer ids.Close()
	for range 3 {
		id, err := ids.Next(context.Background())
		fmt.Println(id, err)
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
	// 3 <nil>
}
