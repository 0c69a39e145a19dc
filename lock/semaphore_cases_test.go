package lock_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Case 40: a ctx that has ended beats a free permit; nothing is asked, and the
// next call is not disturbed.
func TestHardCase40_SemaphoreCancelBeforeAcquire(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := semaphore(p, 1)
		require.Empty(t, w.Count(func() {
			_, err := s.Acquire(testworld.Cancelled(), 1)
			require.ErrorIs(t, err, context.Canceled)
			_, err = s.TryAcquire(testworld.Cancelled(), 1)
			require.ErrorIs(t, err, context.Canceled)
		}))
		require.NoError(t, permits(p, s, 1).Release())
	})
}

// Case 41: a call that gives up gives back what it has so far: its place, and
// the leases with which it waits as the first in line.
func TestHardCase41_SemaphoreGivesBack(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		held := permits(p, semaphore(p, 3), 2)
		first := acquiring(w, semaphore(q, 3), 3)
		second := acquiring(w, semaphore(p, 3), 1)
		require.True(t, first.Waiting())
		require.Len(t, leaseNodes(w), 5)
		require.Len(t, lineNodes(w), 2)

		_, err := first.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		one := second.Get()
		require.Len(t, leaseNodes(w), 3)

		second = acquiring(w, semaphore(p, 3), 2)
		third := acquiring(w, semaphore(q, 3), 2) // not the first
		_, err = third.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		_, err = second.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, one.Release())
		require.NoError(t, held.Release())
		nothingLeft(w)
	})
}

// Case 41, at the worst moments: the caller gives up while a create is under
// way, or while the answer to one was lost and no server can be reached.
func TestHardCase41_SemaphoreCancelledCreate(t *testing.T) {
	for _, lost := range []bool{false, true} {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			hold := make(chan struct{})
			w.Once(leaseCreate, func() zktest.Action {
				if lost {
					p.Link.Refuse(true)
					return zktest.LoseReply
				}
				return zktest.Hold(hold)
			})
			acquiring := acquiring(w, semaphore(p, 2), 2)
			require.True(t, acquiring.Waiting())
			start := time.Now()
			_, err := acquiring.GiveUp()
			require.ErrorIs(t, err, context.Canceled)
			require.Zero(t, time.Since(start), "giving up waits for no server")
			close(hold)
			p.Link.Refuse(false)
			nothingLeft(w)
			require.NoError(t, permits(p, semaphore(p, 2), 2).Release())
		})
	}
}

// Case 44: znodes that are not leases take no permit, however many there are.
func TestHardCase44_SemaphoreForeignChildren(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := semaphore(p, 2)
		for i := range 1000 {
			w.Put(fmt.Sprintf("%s/leases/stranger-%d", pool, i), "")
			w.Put(fmt.Sprintf("%s/locks/stranger-%d", pool, i), "")
		}
		w.Put(pool+"/leases/lease-", "")
		w.Put(pool+"/leases/lease-1", "")
		w.Put(pool+"/config", "")
		held := permits(p, s, 1)
		one, err := s.TryAcquire(w.Context(), 1)
		require.NoError(t, err)
		waiter := acquiring(w, s, 1)
		require.True(t, waiter.Waiting())
		holders, err := s.Holders(w.Context())
		require.NoError(t, err)
		require.Len(t, holders, 2)
		require.NoError(t, one.Release())
		require.NoError(t, waiter.Get().Release())
		require.NoError(t, held.Release())
	})
}

// Case 48: tries that fail, for whatever reason, leave neither a lease nor a
// place in the queue, and do not block other candidates.
func TestHardCase48_TryAcquireLeavesNothing(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		held := permits(p, semaphore(p, 3), 2)
		for range 5 {
			_, err := semaphore(q, 3).TryAcquire(w.Context(), 2)
			require.ErrorIs(t, err, lock.ErrNoPermits)
			require.Len(t, leaseNodes(w), 2, "its own are gone when it returns")
			require.Empty(t, lineNodes(w))
		}
		// The answers to its create and to its delete are lost.
		w.Once(leaseCreate, func() zktest.Action { return zktest.LoseReply })
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpDelete }, func() zktest.Action { return zktest.LoseReply })
		_, err := semaphore(q, 3).TryAcquire(w.Context(), 2)
		require.ErrorIs(t, err, lock.ErrNoPermits)
		require.Len(t, leaseNodes(w), 2)
		// Its ctx ends while it removes its lease.
		hold := make(chan struct{})
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpDelete }, func() zktest.Action { return zktest.Hold(hold) })
		_, err = semaphore(q, 3).TryAcquire(w.Within(time.Second), 2)
		require.ErrorIs(t, err, lock.ErrNoPermits)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(hold)
		w.Eventually(func() bool { return len(leaseNodes(w)) == 2 }, "the lease is removed in the background")

		one, err := semaphore(q, 3).TryAcquire(w.Context(), 1)
		require.NoError(t, err)
		require.NoError(t, one.Release())
		require.NoError(t, held.Release())
		nothingLeft(w)
	})
}

// Of many who try at the same time, as many get a permit as there are.
func TestSemaphoreTriesDoNotBlockEachOther(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const limit = 5
		var mu sync.Mutex
		var got []*lock.Permit
		var work sync.WaitGroup
		for range 20 {
			p := w.Process()
			work.Go(func() {
				held, err := semaphore(p, limit).TryAcquire(w.Context(), 1)
				if err == nil {
					mu.Lock()
					got = append(got, held)
					mu.Unlock()
				}
			})
		}
		work.Wait()
		require.Len(t, got, limit)
		require.Len(t, leaseNodes(w), limit)
	})
}

// Case 50: a release at the same time as the next acquisition of the same value
// does not touch the other permit.
func TestHardCase50_SemaphoreReleaseRacesWithAcquire(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := semaphore(p, 1)
		held := permits(p, s, 1)
		for range 20 {
			var work sync.WaitGroup
			for range 3 {
				work.Go(func() {
					if err := held.Release(); err != nil {
						t.Error(err)
					}
				})
			}
			next := permits(p, s, 1)
			work.Wait()
			require.NoError(t, held.Release(), "late")
			require.NoError(t, next.Err())
			require.Len(t, leaseNodes(w), 1)
			held = next
		}
		require.NoError(t, held.Release())
	})
}

// Case 51: a dead permit can be released without harm, any number of times, and
// says that it was lost.
func TestHardCase51_SemaphoreRelease(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		dead := permits(p, semaphore(p, 2), 2)
		p.Expire()
		others := permits(q, semaphore(q, 2), 2)
		<-dead.Done()
		for range 3 {
			require.ErrorIs(t, dead.Release(), session.ErrLost)
		}
		require.NoError(t, others.Err())
		for range 3 {
			require.NoError(t, others.Release())
			require.ErrorIs(t, others.Err(), session.ErrReleased)
		}
		nothingLeft(w)
	})
}

// Case 68: the directories go once they are unused.
func TestHardCase68_SemaphoreDirectoriesVanish(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(t, permits(p, semaphore(p, 2), 2).Release())
		w.Eventually(func() bool { return len(w.Srv.Paths()) == 0 }, "all containers are gone")
		require.NoError(t, permits(p, semaphore(p, 2), 2).Release(), "they are made anew")
	})
	testworld.Run(t, func(w *testworld.World) { // a server that knows no containers
		p := w.Process()
		require.NoError(t, permits(p, semaphore(p, 2), 2).Release())
		require.Equal(t, []string{pool, pool + "/leases", pool + "/locks"}, w.Srv.Paths())
	}, zktest.NoContainers())
}

// A Curator peer counts all children and takes no number into account: it waits
// with a lease of its own as the first in line.
func TestSemaphoreBesideCurator(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		curator := w.Process()
		make := func(dir, tag string) string {
			require.NoError(t, curator.EnsureDir(w.Context(), pool+"/"+dir))
			path, err := curator.Create(w.Context(), pool+"/"+dir+"/_c_5f9b2f2a-6f1c-4f5e-9d43-0a6a9c1f5a11-"+tag, []byte("10.0.0.7"), session.EphemeralSequential)
			require.NoError(t, err)
			return path
		}
		line := make("locks", "lock-")
		waiter := acquiring(w, semaphore(p, 2), 1)
		require.True(t, waiter.Waiting(), "the peer is first in line")
		lease := make("leases", "lease-")
		require.NoError(t, curator.Delete(w.Context(), line, session.AnyVersion))
		one := waiter.Get()
		_, err := semaphore(p, 2).TryAcquire(w.Context(), 1)
		require.ErrorIs(t, err, lock.ErrNoPermits)
		holders, err := semaphore(p, 2).Holders(w.Context())
		require.NoError(t, err)
		require.Equal(t, "10.0.0.7", holders[0].ID)

		// The peer waits for a second permit; so does one of our candidates
		// after it.
		line, second := make("locks", "lock-"), make("leases", "lease-")
		waiter = acquiring(w, semaphore(p, 2), 1)
		require.NoError(t, one.Release())
		require.True(t, waiter.Waiting(), "the peer was before it")
		require.NoError(t, curator.Delete(w.Context(), line, session.AnyVersion))
		require.True(t, waiter.Waiting())
		require.NoError(t, curator.Delete(w.Context(), lease, session.AnyVersion))
		require.NoError(t, waiter.Get().Release())
		require.NoError(t, curator.Delete(w.Context(), second, session.AnyVersion))
	})
}

// The numbers wrap, and stick, without harm to the limit.
func TestSemaphoreNumbersEnd(t *testing.T) {
	for _, release := range []zktest.Release{zktest.V35, zktest.V38} {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			s := semaphore(p, 3)
			keep := permits(p, s, 1)
			require.NoError(t, w.Srv.SetSequence(pool+"/leases", 2147483647-1))
			var held []*lock.Permit
			for range 2 {
				held = append(held, permits(p, s, 1))
			}
			waiter := acquiring(w, s, 1)
			require.True(t, waiter.Waiting())
			_, err := s.TryAcquire(w.Context(), 1)
			require.ErrorIs(t, err, lock.ErrNoPermits)
			require.NoError(t, held[1].Release())
			next := waiter.Get()
			require.Greater(t, next.Token(), held[0].Token())
			require.NoError(t, next.Release())
			require.NoError(t, keep.Release())
			require.NoError(t, held[0].Release())
		}, zktest.Version(release))
	}
}

// A short disconnection while the first in line waits: changes in the meantime
// are not missed.
func TestSemaphoreSuspendedWhileWaiting(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		held := permits(q, semaphore(q, 1), 1)
		waiter := acquiring(w, semaphore(p, 1), 1)
		p.Link.Refuse(true)
		p.Link.Disconnect()
		require.NoError(t, held.Release())
		require.True(t, waiter.Waiting())
		p.Link.Refuse(false)
		require.NoError(t, waiter.Get().Release())
		synctest.Wait()
		for _, path := range w.Srv.Paths() {
			require.False(t, strings.Contains(path, "-lease-"), path)
		}
	})
}
