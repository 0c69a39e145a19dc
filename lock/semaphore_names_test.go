package lock_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
)

// An error names the owner of the first permit, as the error of a lock names the
// holder.
func TestSemaphoreNamesHolders(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sem := func(id string) *lock.Semaphore {
			return lock.NewSemaphore(w.Process().Manager, "/sem", lock.Permits(3), lock.ID(id))
		}
		first, err := sem("ann").Acquire(w.Context(), 1)
		require.NoError(w, err)
		second, err := sem("ben").Acquire(w.Context(), 2)
		require.NoError(w, err)
		host, err := os.Hostname()
		require.NoError(w, err)
		ann := fmt.Sprintf("ann (pid %d on %s) at %s", os.Getpid(), host, first.Holds()[0].Path())

		_, err = sem("cleo").TryAcquire(w.Context(), 1)
		require.ErrorIs(w, err, lock.ErrNoPermits)
		require.EqualError(w, err, "try acquire permits /sem: not enough permits are free: "+ann+" and 2 more")
		_, err = sem("cleo").Acquire(w.Within(time.Minute), 1)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorContains(w, err, "acquire permits /sem: waiting for permits of "+ann+" and 2 more: ")

		require.NoError(w, second.Release())
		w.Eventually(func() bool { return len(w.Children("/sem/leases")) == 1 }, "the leases of the calls that failed are gone")
		_, err = sem("cleo").TryAcquire(w.Context(), 3)
		require.EqualError(w, err, "try acquire permits /sem: not enough permits are free: "+ann)

		// Those behind the first waiter name it.
		head := acquiring(w, sem("dora"), 3)
		require.True(w, head.Waiting())
		_, err = sem("cleo").Acquire(w.Within(time.Minute), 1)
		require.ErrorContains(w, err, "acquire permits /sem: waiting for dora (pid ")
		require.NoError(w, first.Release())
		require.NoError(w, head.Get().Release())
	})
}
