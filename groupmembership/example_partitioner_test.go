package groupmembership_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A consumer that is alone works on all partitions, each in a goroutine of its
// own, until it is stopped.
func ExamplePartitioner() {
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

	const path = "/consumers/orders"
	begun, ended := make(chan int), make(chan error)
	go func() {
		p := groupmembership.NewPartitioner(sm, path, 4)
		ended <- p.Run(ctx, "consumer-1", func(ctx context.Context, part *groupmembership.Partition) error {
			begun <- part.Number
			<-ctx.Done() // consume until the partition is to be given up
			return ctx.Err()
		})
	}()
	total := 0
	for range 4 {
		total += <-begun
	}
	fmt.Println("consumer-1 has four partitions, the sum of their numbers is", total)

	owners, err := groupmembership.NewPartitioner(sm, path, 4).Owners(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("partition 2 belongs to", owners[2].ID)

	cancel()
	fmt.Println("stopped:", errors.Is(<-ended, context.Canceled))
	// Output:
	// consumer-1 has four partitions, the sum of their numbers is 6
	// partition 2 belongs to consumer-1
	// stopped: true
}
