package lock_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestSemaphoreLimit(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, c := w.Process(), w.Process(), w.Process()
		first, second := permits(a, semaphore(a, 2), 1), permits(b, semaphore(b, 2), 1)
		third := acquiring(w, semaphore(c, 2), 1)
		require.True(t, third.Waiting())
		require.NoError(t, second.Release())
		p := third.Get()
		require.NoError(t, first.Err())
		require.NoError(t, p.Err())
		require.NoError(t, first.Release())
		require.NoError(t, p.Release())
		nothingLeft(w)
		require.Zero(t, w.Srv.Watches())
	})
}

// The layout of Curator's InterProcessSemaphoreV2.
func TestSemaphoreLayout(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		held := permits(p, semaphore(p, 1, lock.ID("me")), 1)
		name := regexp.MustCompile(`^_c_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-(lock|lease)-\d{10}$`)
		leases := leaseNodes(w)
		require.Len(t, leases, 1)
		require.Regexp(t, name, leases[0])
		require.Empty(t, lineNodes(w), "the inner lock is given back as soon as there is a permit")
		waiter := acquiring(w, semaphore(p, 1), 1)
		require.True(t, waiter.Waiting())
		require.Len(t, lineNodes(w), 1)
		require.Regexp(t, name, lineNodes(w)[0])
		var data map[string]any
		require.NoError(t, json.Unmarshal([]byte(w.Data(pool+"/leases/"+leases[0])), &data))
		require.Equal(t, "me", data["id"])
		require.NoError(t, held.Release())
		require.NoError(t, waiter.Get().Release())
	})
}

// A waiter for many permits is not overtaken by later waiters for few.
func TestSemaphoreIsFair(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		first, second := permits(p, semaphore(p, 3), 1), permits(p, semaphore(p, 3), 1)
		many := acquiring(w, semaphore(w.Process(), 3), 3)
		few := acquiring(w, semaphore(w.Process(), 3), 1)
		require.True(t, many.Waiting())
		require.True(t, few.Waiting(), "one is free, but somebody came before")
		_, err := semaphore(p, 3).TryAcquire(w.Context(), 1)
		require.ErrorIs(t, err, lock.ErrNoPermits, "the first in line claims it")
		require.NoError(t, first.Release())
		require.True(t, many.Waiting())
		require.NoError(t, second.Release())
		all := many.Get()
		require.True(t, few.Waiting())
		require.NoError(t, all.Release())
		require.NoError(t, few.Get().Release())
	})
}

func TestSemaphoreRefusals(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		calls := func(s *lock.Semaphore, n int) []error {
			_, acquire := s.Acquire(w.Context(), n)
			_, try := s.TryAcquire(w.Context(), n)
			do := s.Do(w.Context(), n, func(context.Context, *lock.Permit) error {
				t.Error("it ran")
				return nil
			})
			return []error{acquire, try, do}
		}
		counts := w.Count(func() {
			for _, n := range []int{0, -1} {
				for _, err := range calls(semaphore(p, 3), n) {
					require.ErrorContains(t, err, "must be from 1 to 2147483647")
					require.ErrorContains(t, err, pool)
				}
				for _, err := range calls(semaphore(p, n), 1) {
					require.ErrorContains(t, err, "the option Permits(")
				}
			}
			for _, err := range calls(semaphore(p, 3), 4) {
				require.ErrorIs(t, err, lock.ErrTooManyPermits)
				require.ErrorContains(t, err, "4 asked for, the limit is 3")
			}
			for _, err := range calls(lock.NewSemaphore(p.Manager, "pool", lock.Permits(1)), 1) {
				require.ErrorContains(t, err, "relative")
			}
			for _, err := range calls(lock.NewSemaphore(p.Manager, pool, lock.SharedLimit("limit", 1)), 1) {
				require.ErrorContains(t, err, "the option SharedLimit: ")
			}
			require.ErrorContains(t, semaphore(p, 3).Resize(w.Context(), 4), "fixed by the program")
			_, err := semaphore(p, 0).Holders(w.Context())
			require.Error(t, err)
			_, err = semaphore(p, 0).Limit(w.Context())
			require.Error(t, err)
		})
		require.Empty(t, counts, "nothing was asked of the server, nothing made")
	})
}

func TestSemaphoreManyAtOnce(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		held := permits(p, semaphore(p, 40), 39)
		require.Len(t, leaseNodes(w), 39)
		one, err := semaphore(q, 40).TryAcquire(w.Context(), 1)
		require.NoError(t, err)
		_, err = semaphore(q, 40).TryAcquire(w.Context(), 1)
		require.ErrorIs(t, err, lock.ErrNoPermits)
		require.NoError(t, one.Release())
		require.NoError(t, held.Release())
		require.Empty(t, leaseNodes(w), "they are gone when Release returns")
	})
}

// A permit for several ends when one of its nodes goes, whichever, and its
// guards are refused.
func TestSemaphorePartLost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for i := range 3 {
			held := permits(p, semaphore(p, 3), 3)
			guards := held.Guards()
			require.Len(t, guards, 3)
			_, err := p.Txn(w.Context(), guards...)
			require.NoError(t, err)
			time.Sleep(time.Second) // holds are watched by now
			w.Remove(pool + "/leases/" + leaseNodes(w)[i])
			synctest.Wait()
			require.ErrorIs(t, held.Err(), session.ErrDeleted)
			require.ErrorIs(t, context.Cause(held.Context()), session.ErrLost)
			_, err = p.Txn(w.Context(), guards...)
			require.ErrorIs(t, err, session.ErrLost)
			require.Len(t, leaseNodes(w), 2)
			require.ErrorIs(t, held.Release(), session.ErrLost)
			require.Empty(t, leaseNodes(w), "the others are given back all the same")
		}
		held := permits(p, semaphore(p, 3), 2)
		p.Expire()
		<-held.Done()
		require.ErrorIs(t, held.Release(), session.ErrLost)
		nothingLeft(w)
	})
}

func TestSemaphoreTokensGrow(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		var last int64
		for range 3 {
			first := permits(a, semaphore(a, 1), 1)
			next := acquiring(w, semaphore(b, 1), 1)
			w.Put(pool+"/leases/stranger", "") // makes Pzxid run ahead
			w.Remove(pool + "/leases/stranger")
			require.NoError(t, first.Release())
			second := next.Get()
			require.Greater(t, first.Token(), last)
			require.Greater(t, second.Token(), first.Token())
			last = second.Token()
			require.NoError(t, second.Release())
			w.Remove(pool) // the numbers begin anew, the tokens do not
		}
	})
}

func TestSemaphoreDo(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := semaphore(p, 2)
		broken := errors.New("broken")
		require.NoError(t, s.Do(w.Context(), 2, func(ctx context.Context, held *lock.Permit) error {
			require.NoError(t, ctx.Err())
			require.Len(t, leaseNodes(w), 2)
			return nil
		}))
		require.ErrorIs(t, s.Do(w.Context(), 1, func(context.Context, *lock.Permit) error { return broken }), broken)
		err := s.Do(w.Context(), 2, func(ctx context.Context, _ *lock.Permit) error {
			w.Remove(pool + "/leases/" + leaseNodes(w)[1])
			<-ctx.Done()
			require.ErrorIs(t, context.Cause(ctx), session.ErrDeleted)
			return broken
		})
		require.ErrorIs(t, err, broken)
		require.ErrorIs(t, err, session.ErrLost)
		require.Panics(t, func() {
			_ = s.Do(w.Context(), 1, func(context.Context, *lock.Permit) error { panic("at the disco") })
		})
		require.Empty(t, leaseNodes(w))
	})
}

func TestSemaphoreContenders(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := semaphore(p, 2, lock.ID("p"))
		holders, err := s.Holders(w.Context())
		require.NoError(t, err)
		require.Empty(t, holders)
		held := permits(p, s, 2)
		q := w.Process()
		many := acquiring(w, semaphore(q, 2, lock.ID("many")), 2)
		few := acquiring(w, semaphore(q, 2, lock.ID("few")), 1)
		require.True(t, few.Waiting())
		require.Len(t, leaseNodes(w), 4, "the first in line shows what it waits for")

		holders, err = s.Holders(w.Context())
		require.NoError(t, err)
		require.Len(t, holders, 2)
		for _, h := range holders {
			require.Equal(t, "p", h.ID)
			require.EqualValues(t, p.Current().ID(), h.Session)
			require.LessOrEqual(t, h.Token, held.Token())
			require.NotZero(t, h.PID)
		}
		waiters, err := s.Waiters(w.Context())
		require.NoError(t, err)
		require.Len(t, waiters, 2)
		require.Equal(t, "many", waiters[0].ID)
		require.Equal(t, "few", waiters[1].ID)
		require.NoError(t, held.Release())
		require.NoError(t, many.Get().Release())
		require.NoError(t, few.Get().Release())
	})
}

// The errors of the server are returned, and nothing is left over.
func TestSemaphoreServerRefuses(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if leaseCreate(r) {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		_, err := semaphore(p, 2).Acquire(w.Context(), 2)
		require.ErrorIs(t, err, session.ErrNoAuth)
		require.ErrorContains(t, err, "acquire permits "+pool+": ")
		_, err = semaphore(p, 2).TryAcquire(w.Context(), 1)
		require.ErrorIs(t, err, session.ErrNoAuth)
		remove()
		nothingLeft(w)
		require.NoError(t, permits(p, semaphore(p, 2), 2).Release())
		require.NoError(t, p.Close())
		_, err = semaphore(p, 2).Acquire(w.Context(), 2)
		require.ErrorIs(t, err, session.ErrClosed)
	})
}
