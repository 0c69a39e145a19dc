package election_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/docent-go/docent/election"
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

func ExampleElection_Run() {
	sm, done := dial()
	defer done()

	ctx, cancel := context.WithCancel(context.Background())
	e := election.New(sm, "/leaders/scheduler", election.ID("host-7"))
	err := e.Run(ctx, func(ctx context.Context, t *election.Term) error {
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
	sm, done := dial()
	defer done()

	t, err := election.New(sm, "/leaders/scheduler").Campaign(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("leading:", t.Err() == nil)
	fmt.Println("resigned:", t.Resign())
	// Output:
	// leading: true
	// resigned: <nil>
}

func ExampleElection_Observe() {
	sm, done := dial()
	defer done()
	ctx := context.Background()

	e := election.New(sm, "/leaders/scheduler", election.ID("host-7"))
	var term *election.Term
	for leader, err := range e.Observe(ctx) {
		switch {
		case err != nil:
			fmt.Println("not known for now:", err)
		case leader.Vacant() && term == nil:
			fmt.Println("nobody leads")
			if term, err = e.Campaign(ctx); err != nil {
				log.Fatal(err)
			}
		case leader.Vacant():
			fmt.Println("nobody leads any more")
			return
		default:
			fmt.Println(leader.ID, "leads")
			_ = term.Resign()
		}
	}
	// Output:
	// nobody leads
	// host-7 leads
	// nobody leads any more
}
