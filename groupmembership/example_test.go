package groupmembership_test

import (
	"context"
	"fmt"
	"log"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Every machine of a cluster registers under its host name, and any client can
// list the machines.
func Example_machines() {
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

	servers := groupmembership.NewGroup(sm, "/clusterServers")
	for _, hostname := range []string{"web-1", "web-2", "db-1"} { // each on its own machine
		m, err := servers.Join(ctx, hostname, nil)
		if err != nil {
			log.Fatal(err)
		}
		defer m.Leave(context.Background())
	}

	members, err := servers.Members(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range members {
		fmt.Println(m.Path, "is up")
	}
	// Output:
	// /clusterServers/db-1 is up
	// /clusterServers/web-1 is up
	// /clusterServers/web-2 is up
}

// A worker tells its progress in its payload; a monitor follows it, and sees
// the worker go.
func ExampleGroup_Changes() {
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

	workers := groupmembership.NewGroup(sm, "/workers")
	worker, err := workers.Join(ctx, "worker-1", []byte("starting"))
	if err != nil {
		log.Fatal(err)
	}

	step := 0
	for change, err := range workers.Changes(ctx) {
		if err != nil {
			log.Print(err) // it is not known, for the time being, who is there
			continue
		}
		for _, e := range change.Events {
			fmt.Printf("%s %s: %s\n", e.Member.ID, e.Kind, e.Member.Payload)
		}
		switch step++; step { // the worker's part
		case 1:
			err = worker.UpdatePayload(ctx, []byte("50 %"))
		case 2:
			err = worker.Leave(context.Background())
		default:
			return
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// worker-1 joined: starting
	// worker-1 updated: 50 %
	// worker-1 left: 50 %
}

// A member that does work only while it is in the group stops when it cannot be
// sure that it still is.
func ExampleMembership_Changes() {
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

	m, err := groupmembership.NewGroup(sm, "/workers").Join(ctx, "worker-1", nil)
	if err != nil {
		log.Fatal(err)
	}
	for state, err := range m.Changes(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if !state.In {
			fmt.Println("out:", state.Err)
			continue
		}
		fmt.Println("in")
		if err := m.Leave(context.Background()); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// in
	// out: released by its owner
}
