package lock_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func ExampleMutex_Do() {
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

	orders := lock.NewMutex(sm, "/locks/orders")
	err = orders.Do(ctx, func(ctx context.Context, h *lock.Hold) error {
		// ctx ends when the hold can no longer be trusted. The token goes to
		// the store, which refuses a smaller one than it has seen.
		fmt.Println("working, token is positive:", h.Token() > 0)
		return ctx.Err()
	})
	fmt.Println("error:", err)
	// Output:
	// working, token is positive: true
	// error: <nil>
}

func ExampleMutex_Lock() {
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sm, err := session.Dial(context.Background(), session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // bounds the wait, not the hold
	defer cancel()
	h, err := lock.NewMutex(sm, "/locks/orders").Lock(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer h.Release()

	select {
	case <-h.Done():
		fmt.Println("lost:", h.Err())
	default:
		fmt.Println("held")
	}
	// Output: held
}

func ExampleMutex_TryLock() {
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

	h, err := lock.NewMutex(sm, "/locks/orders").TryLock(ctx)
	fmt.Println("first:", err)
	_, err = lock.NewMutex(sm, "/locks/orders").TryLock(ctx)
	fmt.Println("second:", errors.Is(err, lock.ErrHeld)) // the text of err says whose contender holds the lock
	_ = h.Release()
	// Output:
	// first: <nil>
	// second: true
}

func ExampleMutex_Holders() {
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

	m := lock.NewMutex(sm, "/locks/orders", lock.ID("billing-7"))
	h, err := m.Lock(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer h.Release()
	holders, err := m.Holders(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range holders {
		fmt.Println(c.ID, "holds the lock")
	}
	// Output: billing-7 holds the lock
}

// A transaction with the hold's Guard is refused as a whole once the hold's
// node is gone, even if this process does not know that yet.
func ExampleHold() {
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

	h, err := lock.NewMutex(sm, "/locks/orders").Lock(ctx)
	if err != nil {
		log.Fatal(err)
	}
	guard := h.Guard()
	_, err = sm.Txn(ctx, guard, session.CreateOp("/orders", []byte("1"), session.Persistent))
	fmt.Println("while held:", err)

	_ = h.Release()
	_, err = sm.Txn(ctx, guard, session.SetOp("/orders", []byte("2"), session.AnyVersion))
	fmt.Println("afterwards:", errors.Is(err, session.ErrLost))
	// Output:
	// while held: <nil>
	// afterwards: true
}
