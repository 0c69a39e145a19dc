package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func Example() {
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

	q := queue.New(sm, "/queues/mail")
	for _, m := range []struct {
		text     string
		priority int
	}{{"newsletter", 9}, {"password reset", 1}} {
		if _, err := q.Put(ctx, []byte(m.text), queue.Priority(m.priority)); err != nil {
			log.Fatal(err)
		}
	}
	for range 2 {
		item, err := q.Take(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s, attempt %d\n", item.Data, item.Attempt)
		if err := item.Ack(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// password reset, attempt 1
	// newsletter, attempt 1
}

// An item that fails is tried again later, and at last becomes a dead letter.
func ExampleQueue_Consume() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
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

	q := queue.New(sm, "/queues/mail", queue.MaxAttempts(3), queue.OnDead(func(l queue.DeadLetter) {
		fmt.Printf("dead: %s: %s\n", l.Data, l.Reason)
		cancel()
	}))
	if _, err := q.Put(ctx, []byte("to nobody@example.com")); err != nil {
		log.Fatal(err)
	}
	err = q.Consume(ctx, func(ctx context.Context, item *queue.Item) error {
		fmt.Printf("attempt %d\n", item.Attempt)
		return errors.New("no such mailbox")
	}, queue.Backoff(time.Millisecond, 10*time.Millisecond))
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// attempt 1
	// attempt 2
	// attempt 3
	// dead: to nobody@example.com: not acknowledged in 3 attempts: no such mailbox
	// true
}

// The work is done in ZooKeeper itself: the guard makes it and the item's
// claim one matter.
func ExampleItem_Guard() {
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

	q := queue.New(sm, "/queues/accounts")
	if _, err := q.Put(ctx, []byte("ann")); err != nil {
		log.Fatal(err)
	}
	item, err := q.Take(ctx)
	if err != nil {
		log.Fatal(err)
	}
	guard, err := item.Guard(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_, err = sm.Txn(ctx, append(guard, session.CreateOp("/account-"+string(item.Data), nil, session.Persistent))...)
	if errors.Is(err, session.ErrLost) {
		log.Print("another consumer has the item now: nothing was written")
	}
	fmt.Println(err, item.Ack())
	// Output: <nil> <nil>
}
