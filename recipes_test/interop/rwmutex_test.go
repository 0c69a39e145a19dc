//go:build unix

package interop

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/peers"
)

// A RWMutex and Curator's InterProcessReadWriteLock.
func TestRWMutex(t *testing.T) {
	w := inWorld(t)
	java, other, python := w.curator(), w.curator(), w.kazoo()

	w.part("contest", func(w *world) {
		const path = "/rw/contest"
		contenders := []contender{
			held("docent writer", all, lock.NewRWMutex(w.docent(), path).Lock),
			held("docent reader 1", 1, lock.NewRWMutex(w.docent(), path).RLock),
			held("docent reader 2", 1, lock.NewRWMutex(w.docent(), path).RLock),
			told("curator writer 1", java.As(w).Actor("cw"), "lock.write", "lock.unwrite", path),
			told("curator writer 2", other.As(w).Actor("cw"), "lock.write", "lock.unwrite", path),
		}
		for i, peer := range []*peers.Peer{java, java, other} {
			reader := told(fmt.Sprint("curator reader ", i), peer.As(w).Actor(fmt.Sprint("cr", i)), "lock.read", "lock.unread", path)
			reader.share = 1
			contenders = append(contenders, reader)
		}
		contest(w, newReferee(w, w.docent(), all), 15, contenders...)
	})

	w.part("line", func(w *world) {
		const path = "/rw/line"
		m := lock.NewRWMutex(w.docent(), path)
		ctx := w.within(patience)
		ours, err := m.RLock(ctx)
		require.NoError(w, err)
		require.Equal(w, "true", java.As(w).Actor("a").Do("lock.read", path, ms(patience)), "readers share the lock")
		writer := other.As(w).Actor("b").Go("lock.write", path, ms(patience))
		w.standing(m, 2, 1)
		behind := later(func() (*lock.Hold, error) { return m.RLock(ctx) })
		w.standing(m, 2, 2)
		require.NoError(w, ours.Release())
		require.True(w, writer.Pending(), "a reader of Curator's still holds")
		java.As(w).Actor("a").Do("lock.unread", path)
		require.Equal(w, "true", writer.Get())
		require.True(w, behind.waiting(), "a reader came past the writer before it")
		other.As(w).Actor("b").Do("lock.unwrite", path)
		h, err := behind.get()
		require.NoError(w, err)

		// A Curator reader waits for a Docent writer.
		pending := later(func() (*lock.WriteHold, error) { return m.Lock(ctx) })
		w.standing(m, 1, 1)
		reader := java.As(w).Actor("a").Go("lock.read", path, ms(patience))
		w.standing(m, 1, 2)
		require.NoError(w, h.Release())
		written, err := pending.get()
		require.NoError(w, err)
		require.True(w, reader.Pending())
		require.NoError(w, written.Release())
		require.Equal(w, "true", reader.Get())
		java.As(w).Actor("a").Do("lock.unread", path)
	})

	// A Docent writer that becomes a reader lets in the Curator readers
	// directly after it, but not the writer after them.
	w.part("downgrade", func(w *world) {
		const path = "/rw/downgrade"
		m := lock.NewRWMutex(w.docent(), path)
		ctx := w.within(patience)
		written, err := m.Lock(ctx)
		require.NoError(w, err)
		reader := java.As(w).Actor("a").Go("lock.read", path, ms(patience))
		w.standing(m, 1, 1)
		writer := other.As(w).Actor("b").Go("lock.write", path, ms(patience))
		w.standing(m, 1, 2)
		read, err := written.Downgrade(ctx)
		require.NoError(w, err)
		require.Equal(w, "true", reader.Get())
		require.True(w, writer.Pending())
		java.As(w).Actor("a").Do("lock.unread", path)
		require.True(w, writer.Pending(), "our reader still holds")
		require.NoError(w, read.Release())
		require.Equal(w, "true", writer.Get())
		other.As(w).Actor("b").Do("lock.unwrite", path)
	})

	// A Curator writer that becomes a reader blocks a Docent writer that comes
	// then.
	w.part("Curator downgrades", func(w *world) {
		const path = "/rw/theirs"
		m := lock.NewRWMutex(w.docent(), path)
		a := java.As(w).Actor("a")
		require.Equal(w, "true", a.Do("lock.write", path, ms(patience)))
		require.Equal(w, "true", a.Do("lock.read", path, ms(patience)))
		a.Do("lock.unwrite", path)
		_, err := m.TryLock(w.Context())
		require.ErrorIs(w, err, lock.ErrHeld)
		h, err := m.RLock(w.within(patience))
		require.NoError(w, err)
		require.NoError(w, h.Release())
		a.Do("lock.unread", path)
		written, err := m.Lock(w.within(patience))
		require.NoError(w, err)
		require.NoError(w, written.Release())
	})

	w.part("killed", func(w *world) {
		const path = "/rw/killed"
		m := lock.NewRWMutex(w.docent(), path)
		third := w.curator() // on a busy machine, its start takes longer than the session of the next one lasts
		sm, kill := w.doomed()
		_, err := lock.NewRWMutex(sm, path).RLock(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "true", third.Actor("a").Do("lock.read", path, ms(patience)))
		writer := java.As(w).Actor("a").Go("lock.write", path, ms(patience))
		w.standing(m, 2, 1)
		third.Kill()
		kill()
		require.Equal(w, "true", writer.Get())
		reader := later(func() (*lock.Hold, error) { return m.RLock(w.within(patience)) })
		w.standing(m, 1, 1)
		java.As(w).Actor("a").Do("lock.unwrite", path)
		h, err := reader.get()
		require.NoError(w, err)
		require.NoError(w, h.Release())
	})

	// Mixes that must not share the path. If one of these fails, the table in
	// docs/interop.md is out of date.

	// Curator 5.4 gives its own downgraded reader a new number (CURATOR-621).
	// Curator 5.7 gives it the writer's number, so the reader keeps its place.
	w.part("never: Curator 5.4 downgrades before a writer", func(w *world) {
		const path = "/rw/621"
		m := lock.NewRWMutex(w.docent(), path)
		a := java.As(w).Actor("a")
		require.Equal(w, "true", a.Do("lock.write", path, ms(patience)))
		ours := later(func() (*lock.WriteHold, error) { return m.Lock(w.within(patience)) })
		w.standing(m, 1, 1)
		require.Equal(w, "true", a.Do("lock.read", path, ms(patience)), "beside its own writer")
		a.Do("lock.unwrite", path)
		if java.AtLeast(5, 7) {
			w.standing(m, 1, 1)
			require.True(w, ours.waiting(), "Docent writes while Curator reads")
			a.Do("lock.unread", path)
			h, err := ours.get()
			require.NoError(w, err)
			require.NoError(w, h.Release())
			return
		}
		h, err := ours.get()
		require.NoError(w, err, "Curator's reader keeps its place now")
		require.NoError(w, h.Err(), "Docent writes while Curator reads")
		a.Do("lock.unread", path)
		require.NoError(w, h.Release())
	})

	// The same with Curator alone.
	w.part("never: Curator 5.4 alone", func(w *world) {
		const path = "/rw/alone"
		m := lock.NewRWMutex(w.docent(), path)
		a, b := java.As(w).Actor("a"), other.As(w).Actor("b")
		require.Equal(w, "true", a.Do("lock.write", path, ms(patience)))
		writer := b.Go("lock.write", path, ms(patience))
		w.standing(m, 1, 1)
		require.Equal(w, "true", a.Do("lock.read", path, ms(patience)))
		a.Do("lock.unwrite", path)
		if java.AtLeast(5, 7) {
			w.standing(m, 1, 1)
			require.True(w, writer.Pending(), "a writer of Curator's beside its reader")
			a.Do("lock.unread", path)
		}
		require.Equal(w, "true", writer.Get())
	})

	w.part("never: mutexes", func(w *world) {
		const path = "/rw/mutex"
		sm := w.docent()
		h, err := lock.NewRWMutex(sm, path).Lock(w.within(patience))
		require.NoError(w, err)
		ours, err := lock.NewMutex(sm, path).TryLock(w.Context())
		require.NoError(w, err, "a Mutex respects a RWMutex now")
		require.NoError(w, ours.Release())
		require.Equal(w, "true", java.As(w).Actor("a").Do("lock.acquire", path, ms(patience)), "Curator's mutex respects a RWMutex now")
		require.NoError(w, h.Err())
	})

	w.part("never: kazoo", func(w *world) {
		const path = "/rw/kazoo"
		h, err := lock.NewRWMutex(w.docent(), path).Lock(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "true", python.As(w).Actor("a").Do("lock.write", path, ms(patience)), "kazoo's WriteLock respects a RWMutex now")
		require.NoError(w, h.Err())
	})
}

// standing waits until there are so many holders and so many waiters.
func (w *world) standing(line interface {
	Holders(context.Context) ([]lock.Contender, error)
	Waiters(context.Context) ([]lock.Contender, error)
}, holders, waiters int) {
	w.Helper()
	w.settles(fmt.Sprintf("%d hold and %d wait", holders, waiters), func() bool {
		have, err := line.Holders(w.Context())
		if err != nil || len(have) != holders {
			return false
		}
		more, err := line.Waiters(w.Context())
		return err == nil && len(more) == waiters
	})
}
