package lock_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/docent-go/docent/lock"
)

// Each replica calls every ten minutes, and one of them runs the job.
func ExampleOnce() {
	sm, done := dial()
	defer done()
	ctx := context.Background()

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
