package groupmembership_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/docent-go/docent/groupmembership"
)

// A consumer that is alone works on all partitions, each in a goroutine of its
// own, until it is stopped.
func ExamplePartitioner() {
	sm, done := dial()
	defer done()

	const path = "/consumers/orders"
	ctx, cancel := context.WithCancel(context.Background())
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
