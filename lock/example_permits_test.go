package lock_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func ExampleSemaphore_Do() {
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

	// At most three backups run at a time, over all processes.
	backups := lock.NewSemaphore(sm, "/pools/backup", lock.Permits(3))
	err = backups.Do(ctx, 1, func(ctx context.Context, p *lock.Permit) error {
		fmt.Println("holding", p.N())
		return ctx.Err() // ctx ends when the permit can no longer be trusted
	})
	fmt.Println("error:", err)
	// Output:
	// holding 1
	// error: <nil>
}

func ExampleSemaphore_TryAcquire() {
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

	pool := lock.NewSemaphore(sm, "/pools/render", lock.Permits(3))
	two, err := pool.TryAcquire(ctx, 2)
	if err != nil {
		log.Fatal(err)
	}
	defer two.Release()
	_, err = pool.TryAcquire(ctx, 2)
	fmt.Println(errors.Is(err, lock.ErrNoPermits)) // its text names a holder
	_, err = pool.Acquire(ctx, 4)
	fmt.Println(errors.Is(err, lock.ErrTooManyPermits), err)
	// Output:
	// true
	// true acquire permits /pools/render: more permits than the semaphore has: 4 asked for, the limit is 3
}

func ExampleSemaphore_Resize() {
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

	pool := lock.NewSemaphore(sm, "/pools/render", lock.SharedLimit("/limits/render", 3))
	if err := pool.Resize(ctx, 5); err != nil {
		log.Fatal(err)
	}
	n, err := pool.Limit(ctx)
	fmt.Println(n, err)
	// Output: 5 <nil>
}

// All nodes of a permit guard a transaction.
func ExamplePermit() {
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

	p, err := lock.NewSemaphore(sm, "/pools/render", lock.Permits(3)).Acquire(ctx, 2)
	if err != nil {
		log.Fatal(err)
	}
	write := append(p.Guards(), session.CreateOp("/frame", []byte("1"), session.Persistent))
	_, err = sm.Txn(ctx, write...)
	fmt.Println("while held:", err)
	_ = p.Release()
	_, err = sm.Txn(ctx, write...)
	fmt.Println("afterwards:", errors.Is(err, session.ErrLost))
	// Output:
	// while held: <nil>
	// afterwards: true
}

func ExampleMulti_Do() {
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

	transfer := lock.NewMulti(lock.NewMutex(sm, "/accounts/9"), lock.NewMutex(sm, "/accounts/7"), lock.NewRWMutex(sm, "/rates").RLocker())
	err = transfer.Do(ctx, func(ctx context.Context, h *lock.MultiHold) error {
		fmt.Println("tokens:", len(h.Tokens()), "guards:", len(h.Guards()))
		return ctx.Err()
	})
	fmt.Println("error:", err)
	// Output:
	// tokens: 3 guards: 3
	// error: <nil>
}

// Goroutines that share the value hand the lock on among themselves.
func ExampleHandoff() {
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

	ledger := lock.NewMutex(sm, "/locks/ledger", lock.Handoff(64))
	total := 0
	var work sync.WaitGroup
	for range 100 {
		work.Go(func() {
			if err := ledger.Do(ctx, func(context.Context, *lock.Hold) error {
				total++
				return nil
			}); err != nil {
				log.Print(err)
			}
		})
	}
	work.Wait()
	fmt.Println(total)
	// Output: 100
}
