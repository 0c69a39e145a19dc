package lock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// A holder whose node may not be read holds: a try fails with ErrHeld on every
// server.
func TestFault38_TryOfAHiddenHolder(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/locks/m", "")
		p := w.Process()
		held, err := lock.NewOneNode(owner.Manager, "/locks/x").Lock(w.Context())
		require.NoError(w, err)
		x := lock.NewOneNode(p.Manager, "/locks/x")
		_, err = x.TryLock(w.Context())
		require.ErrorIs(w, err, lock.ErrHeld)
		holders, err := x.Holders(w.Context())
		require.NoError(w, err)
		require.Len(w, holders, 1)
		require.True(w, holders[0].Hidden)
		require.NoError(w, held.Release())

		held, err = lock.NewMutex(owner.Manager, "/locks/m").Lock(w.Context())
		require.NoError(w, err)
		m := lock.NewMutex(p.Manager, "/locks/m")
		_, err = m.TryLock(w.Context())
		require.ErrorIs(w, err, lock.ErrHeld)
		holders, err = m.Holders(w.Context())
		require.NoError(w, err)
		require.Len(w, holders, 1)
		require.True(w, holders[0].Hidden)
		require.Equal(w, held.Path(), holders[0].Path)
	})
}

// Servers do not tell a waiter of the end of a node that it may not read.
func TestFault39_WaitBehindAHiddenHolder(t *testing.T) {
	for name, lockOf := range map[string]func(p *testworld.Process) func() (*lock.Hold, error){
		"one-node": func(p *testworld.Process) func() (*lock.Hold, error) {
			return func() (*lock.Hold, error) { return lock.NewOneNode(p.Manager, "/locks/x").Lock(p.W.Context()) }
		},
		"mutex": func(p *testworld.Process) func() (*lock.Hold, error) {
			return func() (*lock.Hold, error) { return lock.NewMutex(p.Manager, "/locks/m").Lock(p.W.Context()) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
				w.Put("/locks/m", "")
				held, err := lockOf(owner)()
				require.NoError(w, err)
				time.AfterFunc(time.Hour, func() { held.Release() })
				start := time.Now()
				next, err := lockOf(w.Process())()
				require.NoError(w, err)
				require.GreaterOrEqual(w, time.Since(start), time.Hour)
				require.Less(w, time.Since(start), time.Hour+15*time.Second)
				require.NoError(w, next.Release())
			})
		})
	}
}

// Resize writes over a limit alone.
func TestFault25_LimitsAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		s := lock.NewSemaphore(w.Process().Manager, "/permits", lock.SharedLimit("/limit", 3))
		w.Put("/limit", `{"qps":2}`)
		require.ErrorContains(w, s.Resize(w.Context(), 5), "a limit has four")
		require.Equal(w, `{"qps":2}`, w.Data("/limit"))
		w.Remove("/limit")
		require.NoError(w, s.Resize(w.Context(), 5))
		require.NoError(w, s.Resize(w.Context(), 6))
	})
}

// The ACL of the holder's node changes under the waiter; then the holder
// releases it.
func TestFault39_HolderIsShutUnderTheWait(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		holder := w.Process(testworld.Guest)
		held, err := lock.NewOneNode(holder.Manager, "/locks/x").Lock(w.Context())
		require.NoError(w, err)
		call := testworld.Go(w, lock.NewOneNode(w.Process(testworld.Guest).Manager, "/locks/x").Lock)
		time.Sleep(time.Hour)
		w.Shut("/locks/x")
		w.Remove("/locks/x")
		start := time.Now()
		<-held.Done()
		require.ErrorIs(w, held.Err(), session.ErrDeleted, "the holder's own watch is as deaf")
		next := call.Get()
		require.LessOrEqual(w, time.Since(start), 80*time.Second)
		require.NoError(w, next.Release())
	})
}
