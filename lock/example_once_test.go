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

// Each replica calls every ten minutes, and one of them runs the job.
func ExampleOnce() {
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

	report := lock.NewOnce(sm, "/jobs/report", 10*time.Minute)
	for replica := range 3 {
		err := report.Do(ctx, func(ctx context.Context, r *lock.Run) error {
			fmt.Println("replica", replica, "runs it, token is positive:", r.Token() > 0)
			return ctx.Err()
		})
		var why *lock.NotDueError
		switch {
		case errors.As(err, &why):
			fmt.Println("replica", replica, "is not needed, the last run is", why.Run.State)
		case err != nil:
			log.Fatal(err)
		}
	}
	// Output:
	// replica 0 runs it, token is positive: true
	// replica 1 is not needed, the last run is done
	// replica 2 is not needed, the last run is done
}
