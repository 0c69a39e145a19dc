package lock_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Any number may read at a time; a writer is alone.
func ExampleRWMutex() {
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

	prices := lock.NewRWMutex(sm, "/locks/prices")
	err = prices.RDo(ctx, func(ctx context.Context, h *lock.Hold) error {
		_, err := prices.TryLock(ctx) // one who reads keeps one who writes waiting
		fmt.Println("held by another contender:", errors.Is(err, lock.ErrHeld))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	err = prices.Do(ctx, func(ctx context.Context, h *lock.WriteHold) error {
		fmt.Println("writing, token is positive:", h.Token() > 0)
		return ctx.Err()
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// held by another contender: true
	// writing, token is positive: true
}

// A writer goes on as a reader. Others may read from then on, and no writer can
// have come in between.
func ExampleWriteHold_Downgrade() {
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

	prices := lock.NewRWMutex(sm, "/locks/prices")
	w, err := prices.Lock(ctx)
	if err != nil {
		log.Fatal(err)
	}
	// … write …
	r, err := w.Downgrade(ctx) // w is over now, whatever comes of it
	if err != nil {
		log.Fatal(err)
	}
	defer r.Release()

	other, err := prices.TryRLock(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer other.Release()
	fmt.Println("two read, the one that wrote has the token it had:", r.Token() == w.Token())
	// Output: two read, the one that wrote has the token it had: true
}

// The one-node lock suits a job for which one run at a time is enough.
func ExampleOneNode_TryLock() {
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

	nightly := lock.NewOneNode(sm, "/locks/nightly")
	h, err := nightly.TryLock(ctx)
	if errors.Is(err, lock.ErrHeld) {
		return // somebody else is at it
	}
	if err != nil {
		log.Fatal(err)
	}
	defer h.Release()

	_, err = nightly.TryLock(ctx)
	fmt.Println("again:", errors.Is(err, lock.ErrHeld))
	// Output: again: true
}

// A holder that can be asked to give the lock up.
func ExampleMutex_Revoke() {
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

	batch := lock.NewMutex(sm, "/locks/batch", lock.Revocable())
	err = batch.Do(ctx, func(ctx context.Context, h *lock.Hold) error {
		// Meanwhile, elsewhere:
		if _, err := lock.NewMutex(sm, "/locks/batch").Revoke(context.Background()); err != nil {
			return err
		}
		<-ctx.Done()
		fmt.Println("asked to stop:", errors.Is(context.Cause(ctx), lock.ErrRevoked))
		fmt.Println("still held:", h.Err() == nil)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// asked to stop: true
	// still held: true
}
