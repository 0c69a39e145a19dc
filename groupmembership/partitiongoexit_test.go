package groupmembership_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// A function that ends its goroutine, as a test's FailNow does, ends Run. The
// partition goes to others.
func TestAFunctionThatEndsItsGoroutine(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, ended := w.Process(), make(chan error, 1)
		go func() {
			ended <- groupmembership.NewPartitioner(a.Manager, orders, 4).Run(w.Context(), "a",
				func(ctx context.Context, part *groupmembership.Partition) error {
					if part.Number == 2 {
						runtime.Goexit()
					}
					<-ctx.Done()
					return ctx.Err()
				})
		}()
		select {
		case err := <-ended:
			require.ErrorContains(w, err, "ended")
		case <-time.After(testworld.Patience):
			require.Fail(w, "Run goes on without the partition")
		}
		synctest.Wait()
		require.Empty(w, w.Children(orders+"/claims"))
		c := newCourt(w)
		c.settled(4, c.work(w.Process(), "b", 4))
	})
}
