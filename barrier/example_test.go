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

func ExampleBarrier() {
	sm, done := dial()
	defer done()
	ctx := context.Background()

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
	sm, done := dial()
	defer done()

	epoch := barrier.NewDouble(sm, "/barriers/epoch", 3)
	var members sync.WaitGroup
	var mu sync.Mutex
	var order []int
	for range 3 {
		members.Go(func() {
			for round := range 2 {
				err := epoch.Do(context.Background(), func(ctx context.Context, v *barrier.Visit) error {
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
	sm, done := dial()
	defer done()
	ctx := context.Background()

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
