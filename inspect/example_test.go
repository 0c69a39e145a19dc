package inspect_test

import (
	"context"
	"fmt"
	"log"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func ExampleRead() {
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

	if _, err := lock.NewMutex(sm, "/locks/orders", lock.ID("host-7")).Lock(ctx); err != nil {
		log.Fatal(err)
	}

	r, err := inspect.Read(ctx, sm, "/")
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range r.Findings {
		switch f := f.(type) {
		case *inspect.Lock:
			fmt.Printf("%s is held by %q, and %d wait\n", f.Path, f.Holder.ID, len(f.Waiters))
		default:
			fmt.Println(f.Head().Path, "is", f.Head().Kind)
		}
	}
	fmt.Println("complete:", r.Complete())
	// Output:
	// / is plain
	// /locks is plain
	// /locks/orders is held by "host-7", and 0 wait
	// complete: true
}

func ExampleDeadlocks() {
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	dial := func() *session.Manager {
		sm, err := session.Dial(context.Background(), session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
		if err != nil {
			log.Fatal(err)
		}
		return sm
	}

	ctx, cancel := context.WithCancel(context.Background())
	paths := []string{"/accounts/1", "/accounts/2"}
	var clients []*session.Manager
	for _, path := range paths {
		sm := dial()
		defer sm.Close()
		clients = append(clients, sm)
		if _, err := lock.NewMutex(sm, path).Lock(ctx); err != nil {
			log.Fatal(err)
		}
	}
	ended := make(chan error, 2)
	for i, sm := range clients {
		go func() {
			_, err := lock.NewMutex(sm, paths[1-i]).Lock(ctx) // which the other one has
			ended <- err
		}()
	}

	sm := dial()
	defer sm.Close()
	for {
		found, err := inspect.Deadlocks(ctx, sm, "/", inspect.Confirm(0))
		if err != nil {
			log.Fatal(err)
		}
		if len(found.Deadlocks) > 0 {
			fmt.Println("clients in the cycle:", len(found.Deadlocks[0].Cycle))
			break
		}
	}
	cancel()
	<-ended
	<-ended
	// Output:
	// clients in the cycle: 2
}
