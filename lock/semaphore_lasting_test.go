package lock_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// A lease without a session keeps its permit for ever. The error of a wait names
// it, and no lease that belongs to a session.
func TestLastingLeases(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		lease := func(n int) string {
			return fmt.Sprintf("/sem/leases/_c_01234567-89ab-cdef-0123-456789abcde%d-lease-%010d", n, n)
		}
		w.Put(lease(0), "")
		require.NoError(w, w.Srv.SetSequence("/sem/leases", 1))
		sem := lock.NewSemaphore(w.Process().Manager, "/sem", lock.Permits(2))
		p, err := sem.Acquire(w.Within(time.Minute), 1)
		require.NoError(w, err, "one permit is left")
		_, err = lock.NewSemaphore(w.Process().Manager, "/sem", lock.Permits(2)).Acquire(w.Within(time.Minute), 1)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorIs(w, err, session.ErrNotEphemeral)
		require.ErrorContains(w, err, "waiting for permits that "+lease(0)+" keep: the znode is not ephemeral")

		w.Remove(lease(0))
		q, err := lock.NewSemaphore(w.Process().Manager, "/sem", lock.Permits(2)).Acquire(w.Within(time.Minute), 1)
		require.NoError(w, err)
		_, err = lock.NewSemaphore(w.Process().Manager, "/sem", lock.Permits(2)).Acquire(w.Within(time.Minute), 1)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.NotErrorIs(w, err, session.ErrNotEphemeral)
		require.NoError(w, p.Release())
		require.NoError(w, q.Release())
	})
}
