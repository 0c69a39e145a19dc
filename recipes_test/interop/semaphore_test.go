//go:build unix

package interop

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/peers"
)

// A Semaphore and Curator's InterProcessSemaphoreV2.
func TestSemaphore(t *testing.T) {
	w := inWorld(t)
	java, other, python := w.curator(), w.curator(), w.kazoo()

	// permits makes a contender from a thread that takes n permits.
	permits := func(w *world, name string, peer *peers.Peer, path, limit string, n int) contender {
		actor := peer.As(w).Actor(name)
		return contender{
			name:  name,
			share: n,
			acquire: func(context.Context) error {
				got, err := actor.Go("lock.permits", path, limit, n, ms(2*patience)).Result()
				if err == nil && got != "true" {
					err = errTimeout
				}
				return err
			},
			release: func() error {
				for range n {
					if _, err := actor.Go("lock.unpermit", path).Result(); err != nil {
						return err
					}
				}
				return nil
			},
		}
	}
	ours := func(w *world, name, path string, limit lock.Limit, n int) contender {
		s := lock.NewSemaphore(w.docent(), path, limit, lock.ID(name))
		return held(name, n, func(ctx context.Context) (*lock.Permit, error) { return s.Acquire(ctx, n) })
	}

	w.part("contest", func(w *world) {
		const path = "/semaphore/contest"
		contest(w, newReferee(w, w.docent(), 3), 15,
			ours(w, "docent 1", path, lock.Permits(3), 1),
			ours(w, "docent 2", path, lock.Permits(3), 1),
			ours(w, "docent two", path, lock.Permits(3), 2),
			permits(w, "curator 1", java, path, "3", 1),
			permits(w, "curator 2", other, path, "3", 1),
			permits(w, "curator two", java, path, "3", 2),
		)
	})

	w.part("contest for a shared limit", func(w *world) {
		const path, limit = "/semaphore/shared", "/semaphore/shared-limit"
		s := lock.NewSemaphore(w.docent(), path, lock.SharedLimit(limit, 2))
		require.NoError(w, s.Resize(w.within(patience), 2))
		contest(w, newReferee(w, w.docent(), 2), 15,
			ours(w, "docent 1", path, lock.SharedLimit(limit, 2), 1),
			ours(w, "docent 2", path, lock.SharedLimit(limit, 2), 1),
			permits(w, "curator 1", java, path, limit, 1),
			permits(w, "curator 2", other, path, limit, 1),
		)
	})

	// Either side raises the limit for the other.
	w.part("resize", func(w *world) {
		const path, limit = "/semaphore/resize", "/semaphore/resize-limit"
		s := lock.NewSemaphore(w.docent(), path, lock.SharedLimit(limit, 1))
		first, err := s.Acquire(w.within(patience), 1)
		require.NoError(w, err)
		a, b := java.As(w).Actor("a"), java.As(w).Actor("b")
		waiting := a.Go("lock.permits", path, limit, 1, ms(patience))
		w.settles("Curator waits", func() bool {
			waiters, err := s.Waiters(w.Context())
			return err == nil && len(waiters) == 1
		})
		require.True(w, waiting.Pending())
		require.NoError(w, s.Resize(w.within(patience), 2))
		require.Equal(w, "true", waiting.Get())

		second := later(func() (*lock.Permit, error) { return s.Acquire(w.within(patience), 1) })
		w.settles("we wait", func() bool {
			waiters, err := s.Waiters(w.Context())
			return err == nil && len(waiters) == 1
		})
		b.Do("count.share", limit, 1)
		require.Equal(w, "2", b.Do("count.shared", limit))
		b.Do("count.set", limit, 3)
		third, err := second.get()
		require.NoError(w, err)
		n, err := s.Limit(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, 3, n)
		require.NoError(w, third.Release())
		require.NoError(w, first.Release())
		a.Do("lock.unpermit", path)
		b.Do("count.unshare", limit)
	})

	// The permits of a killed process are released.
	w.part("killed", func(w *world) {
		const path = "/semaphore/killed"
		doomed := w.curator()
		require.Equal(w, "true", doomed.Actor("a").Do("lock.permits", path, "3", 2, ms(patience)))
		sm, kill := w.doomed()
		_, err := lock.NewSemaphore(sm, path, lock.Permits(3)).Acquire(w.within(patience), 1)
		require.NoError(w, err)
		s := lock.NewSemaphore(w.docent(), path, lock.Permits(3))
		_, err = s.TryAcquire(w.Context(), 1)
		require.ErrorIs(w, err, lock.ErrNoPermits)

		ours := later(func() (*lock.Permit, error) { return s.Acquire(w.within(patience), 2) })
		w.settles("we wait", func() bool {
			waiters, err := s.Waiters(w.Context())
			return err == nil && len(waiters) == 1
		})
		theirs := other.As(w).Actor("a").Go("lock.permits", path, "3", 1, ms(patience))
		doomed.Kill()
		p, err := ours.get()
		require.NoError(w, err)
		require.True(w, theirs.Pending(), "three are held")
		kill()
		require.Equal(w, "true", theirs.Get())
		require.NoError(w, p.Release())
		other.As(w).Actor("a").Do("lock.unpermit", path)
	})

	// Mixes that must not share the path. If one of these fails, the table in
	// docs/interop.md is out of date.

	w.part("never: another fixed limit", func(w *world) {
		const path = "/semaphore/limits"
		p, err := lock.NewSemaphore(w.docent(), path, lock.Permits(1)).Acquire(w.within(patience), 1)
		require.NoError(w, err)
		require.Equal(w, "true", java.As(w).Actor("a").Do("lock.permits", path, "2", 1, ms(patience)))
		require.NoError(w, p.Err(), "two hold, of one by our limit")
		java.As(w).Actor("a").Do("lock.unpermit", path)
		require.NoError(w, p.Release())
	})

	// Curator acquires several permits one after the other. It keeps the first
	// while it is queued for the next, after a Docent waiter that needs the
	// first.
	w.part("never: several by Curator", func(w *world) {
		const path = "/semaphore/several"
		s := lock.NewSemaphore(w.docent(), path, lock.Permits(2))
		waiting := func(n int) func() bool {
			return func() bool {
				waiters, err := s.Waiters(w.Context())
				return err == nil && len(waiters) == n
			}
		}
		p, err := s.Acquire(w.within(patience), 2)
		require.NoError(w, err)
		theirs := java.As(w).Actor("a").Go("lock.permits", path, "2", 2, ms(patience))
		w.settles("Curator waits", waiting(1))
		ctx, cancel := context.WithCancel(w.within(patience))
		ours := later(func() (*lock.Permit, error) { return s.Acquire(ctx, 2) })
		w.settles("we wait", waiting(2))
		first, err := s.Waiters(w.Context())
		require.NoError(w, err)
		require.NoError(w, p.Release())
		w.settles("Curator has one, and waits behind us for the other", func() bool {
			now, err := s.Waiters(w.Context())
			return err == nil && len(now) == 2 && now[0].Path == first[1].Path && now[1].Path != first[0].Path
		})
		require.True(w, theirs.Pending() && ours.waiting())
		cancel()
		_, err = ours.get()
		require.ErrorIs(w, err, context.Canceled)
		require.Equal(w, "true", theirs.Get())
		java.As(w).Actor("a").Do("lock.unpermit", path)
		java.As(w).Actor("a").Do("lock.unpermit", path)
	})

	w.part("never: kazoo", func(w *world) {
		const path = "/semaphore/kazoo"
		require.Equal(w, "true", python.As(w).Actor("a").Do("lock.permit", path, 3, ms(patience)))
		p, err := lock.NewSemaphore(w.docent(), path, lock.Permits(3)).TryAcquire(w.within(patience), 3)
		require.NoError(w, err, "a Semaphore respects kazoo's Semaphore now")
		require.NoError(w, p.Release())
	})

	w.part("never: mutexes", func(w *world) {
		const path = "/semaphore/mutex"
		p, err := lock.NewSemaphore(w.docent(), path, lock.Permits(1)).Acquire(w.within(patience), 1)
		require.NoError(w, err)
		h, err := lock.NewMutex(w.docent(), path).TryLock(w.Context())
		require.NoError(w, err, "a Mutex respects a Semaphore now")
		require.NoError(w, p.Err())
		require.NoError(w, h.Release())
	})
}
