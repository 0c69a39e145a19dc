//go:build unix

package interop

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
)

// Revoke and Revocable, and Curator's Revoker and makeRevocable.
func TestRevocation(t *testing.T) {
	w := inWorld(t)
	java := w.curator()

	w.part("Curator is asked", func(w *world) {
		const path = "/revoke/theirs"
		a := java.As(w).Actor("a")
		a.Do("lock.revocable", path)
		require.Equal(w, "true", a.Do("lock.acquire", path, ms(patience)))
		m := lock.NewMutex(w.docent(), path)
		w.standing(m, 1, 0)
		asked, err := m.Revoke(w.within(patience))
		require.NoError(w, err)
		require.Len(w, asked, 1)
		require.Equal(w, "revoke "+path, a.Event(patience))
		_, err = m.TryLock(w.Context())
		require.ErrorIs(w, err, lock.ErrHeld, "a revocation is only a request")
		a.Do("lock.release", path)
		h, err := m.Lock(w.within(patience))
		require.NoError(w, err)
		require.NoError(w, h.Release())
	})

	// A Curator mutex that is not revocable does not notice the request.
	w.part("Curator does not listen", func(w *world) {
		const path = "/revoke/deaf"
		b := java.As(w).Actor("b")
		require.Equal(w, "true", b.Do("lock.acquire", path, ms(patience)))
		m := lock.NewMutex(w.docent(), path)
		w.standing(m, 1, 0)
		_, err := m.Revoke(w.within(patience))
		require.NoError(w, err)
		holders, err := m.Holders(w.Context())
		require.NoError(w, err)
		require.Len(w, holders, 1)
		require.True(w, holders[0].Revoked)
		_, err = m.TryLock(w.Context())
		require.ErrorIs(w, err, lock.ErrHeld)
		b.Do("lock.release", path)
	})

	w.part("Docent is asked", func(w *world) {
		const path = "/revoke/ours"
		m := lock.NewMutex(w.docent(), path, lock.Revocable())
		holds := make(chan string, 1)
		done := later(func() (struct{}, error) {
			return struct{}{}, m.Do(w.within(patience), func(ctx context.Context, h *lock.Hold) error {
				holds <- h.Path()
				<-ctx.Done()
				return context.Cause(ctx)
			})
		})
		node := <-holds
		waiting := java.As(w).Actor("a").Go("lock.acquire", path, ms(patience))
		java.As(w).Actor("b").Do("lock.revoke", node)
		_, err := done.get()
		require.ErrorIs(w, err, lock.ErrRevoked)
		require.Equal(w, "true", waiting.Get())
		java.As(w).Actor("a").Do("lock.release", path)
	})

	// A waiter is asked: its node is written to, and it still gets the lock in
	// its turn.
	w.part("a waiter is asked", func(w *world) {
		const path = "/revoke/waiter"
		m := lock.NewMutex(w.docent(), path)
		a := java.As(w).Actor("a")
		require.Equal(w, "true", a.Do("lock.acquire", path, ms(patience)))
		ours := later(func() (*lock.Hold, error) { return m.Lock(w.within(patience)) })
		w.standing(m, 1, 1)
		waiters, err := m.Waiters(w.Context())
		require.NoError(w, err)
		java.As(w).Actor("b").Do("lock.revoke", waiters[0].Path)
		a.Do("lock.release", path)
		h, err := ours.get()
		require.NoError(w, err)
		<-h.Revoked()
		require.NoError(w, h.Release())
	})

	// kazoo's locks do not know the message: it has no effect.
	w.part("never: kazoo is asked", func(w *world) {
		const path = "/revoke/kazoo"
		python := w.kazoo().Actor("a")
		require.Equal(w, "true", python.Do("lock.acquire", path, "named", ms(patience)))
		m := lock.NewMutex(w.docent(), path)
		w.standing(m, 1, 0)
		_, err := m.Revoke(w.within(patience))
		require.NoError(w, err)
		_, err = m.TryLock(w.Context())
		require.ErrorIs(w, err, lock.ErrHeld)
		python.Do("lock.release", path, "named")
	})
}
