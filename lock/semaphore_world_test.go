package lock_test

import (
	"context"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/zktest"
)

const pool = "/pool"

// semaphore is one with a limit of its own at the path of all tests.
func semaphore(p *testworld.Process, limit int, opts ...lock.Option) *lock.Semaphore {
	return lock.NewSemaphore(p.Manager, pool, lock.Permits(limit), opts...)
}

// permits acquires at once, or fails the test.
func permits(p *testworld.Process, s *lock.Semaphore, n int) *lock.Permit {
	p.W.Helper()
	got, err := s.Acquire(p.W.Within(testworld.Patience), n)
	require.NoError(p.W, err)
	require.NoError(p.W, got.Err())
	require.Equal(p.W, n, got.N())
	return got
}

// acquiring starts an Acquire and returns when it waits, or has succeeded.
func acquiring(w *testworld.World, s *lock.Semaphore, n int) *testworld.Call[*lock.Permit] {
	return testworld.Go(w, func(ctx context.Context) (*lock.Permit, error) { return s.Acquire(ctx, n) })
}

// leaseNodes and lineNodes list the znodes, in the order of the sequence
// numbers.
func leaseNodes(w *testworld.World) []string { return bySuffix(w.Children(pool + "/leases")) }
func lineNodes(w *testworld.World) []string  { return bySuffix(w.Children(pool + "/locks")) }

func bySuffix(names []string) []string {
	names = slices.Clone(names)
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(suffix(a), suffix(b)) })
	return names
}

// nothingLeft demands that no permit, waiter or watch is left, once the work in
// the background is done.
func nothingLeft(w *testworld.World) {
	w.Helper()
	w.Eventually(func() bool { return len(leaseNodes(w)) == 0 && len(lineNodes(w)) == 0 }, "all nodes are gone")
}

// leaseCreate matches the create of a lease.
func leaseCreate(r zktest.Request) bool {
	return r.Op == zktest.OpCreate && strings.HasPrefix(r.Path, pool+"/leases/")
}
