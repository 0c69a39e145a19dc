package barrier_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func ExampleBarrier() {
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

	gate := barrier.New(sm, "/barriers/migration")
	if err := gate.Set(ctx); err != nil {
		log.Fatal(err)
	}
	through := make(chan error)
	go func() { through <- gate.Wait(ctx) }()

	set, err := gate.IsSet(ctx)
	fmt.Println("set:", set, err)
	if err := gate.Lift(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("through:", <-through)
	// Output:
	// set: true <nil>
	// through: <nil>
}

// Three members compute in rounds: no member begins a round before all members
// have ended the last one.
func ExampleDouble_Do() {
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

	epoch := barrier.NewDouble(sm, "/barriers/epoch", 3)
	var members sync.WaitGroup
	var mu sync.Mutex
	var order []int
	for range 3 {
		members.Go(func() {
			for round := range 2 {
				err := epoch.Do(ctx, func(ctx context.Context, v *barrier.Visit) error {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, round)
					return ctx.Err() // ctx ends when this member no longer counts
				})
				if err != nil {
					fmt.Println(err)
				}
			}
		})
	}
	members.Wait()
	fmt.Println(order)
	// Output: [0 0 0 1 1 1]
}

func ExampleDouble_Enter() {
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

	double := barrier.NewDouble(sm, "/barriers/one", 1, barrier.ID("a"))
	v, err := double.Enter(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_, err = barrier.NewDouble(sm, "/barriers/one", 1, barrier.ID("b")).Enter(ctx)
	fmt.Println("full:", errors.Is(err, barrier.ErrFull))
	fmt.Println("left:", v.Leave(ctx))
	// Output:
	// full: true
	// left: <nil>
}
