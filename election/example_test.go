package election_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"sync"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func ExampleElection_Run() {
	ctx, cancel := context.WithCancel(context.Background())
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

	e := election.New(sm, "/leaders/scheduler", election.ID("host-7"))
	err = e.Run(ctx, func(ctx context.Context, t *election.Term) error {
		fmt.Println("leading; the term has a number:", t.Token() > 0)
		cancel() // a program leads until ctx ends
		<-ctx.Done()
		return nil
	})
	fmt.Println("ended with ctx:", errors.Is(err, context.Canceled))
	// Output:
	// leading; the term has a number: true
	// ended with ctx: true
}

func ExampleElection_Campaign() {
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

	t, err := election.New(sm, "/leaders/scheduler").Campaign(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("leading:", t.Err() == nil)
	fmt.Println("resigned:", t.Resign())
	// Output:
	// leading: true
	// resigned: <nil>
}

func ExampleElection_Changes() {
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

	e := election.New(sm, "/leaders/scheduler", election.ID("host-7"))
	var term *election.Term
	for leader, err := range e.Changes(ctx) {
		switch {
		case err != nil:
			fmt.Println("not known for now:", err)
		case !leader.Exists && term == nil:
			fmt.Println("no leader")
			if term, err = e.Campaign(ctx); err != nil {
				log.Fatal(err)
			}
		case !leader.Exists:
			fmt.Println("no leader again")
			return
		default:
			fmt.Println(leader.ID, "leads")
			_ = term.Resign()
		}
	}
	// Output:
	// no leader
	// host-7 leads
	// no leader again
}

func ExampleElection_Transfer() {
	ctx, cancel := context.WithCancel(context.Background())
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

	leads := make(chan string, 1)
	var running sync.WaitGroup
	for _, id := range []string{"host-1", "host-2"} {
		e := election.New(sm, "/leaders/scheduler", election.ID(id))
		running.Go(func() {
			_ = e.Run(ctx, func(ctx context.Context, t *election.Term) error {
				leads <- id
				<-ctx.Done()
				if errors.Is(context.Cause(ctx), election.ErrTransferred) {
					fmt.Println(id, "is asked to make room, and leads until it has finished:", t.Err() == nil)
				}
				return nil
			})
		})
		for all, _ := e.Participants(ctx); !slices.ContainsFunc(all, func(p election.Participant) bool { return p.ID == id }); {
			all, _ = e.Participants(ctx) // until it is in the queue
		}
	}
	fmt.Println(<-leads, "leads")
	fmt.Println("transferred:", election.New(sm, "/leaders/scheduler").Transfer(ctx, "host-2"))
	fmt.Println(<-leads, "leads")
	cancel()
	running.Wait()
	// Output:
	// host-1 leads
	// host-1 is asked to make room, and leads until it has finished: true
	// transferred: <nil>
	// host-2 leads
}

func ExampleLayout() {
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

	e := election.New(sm, "/currentMaster", election.Layout(election.OneNode), election.Payload([]byte("10.0.0.7:9000")))
	t, err := e.Campaign(ctx)
	if err != nil {
		log.Fatal(err)
	}
	master, err := e.Leader(ctx) // as a client does
	fmt.Println(string(master.Payload), err)
	fmt.Println("resigned:", t.Resign())
	// Output:
	// 10.0.0.7:9000 <nil>
	// resigned: <nil>
}
