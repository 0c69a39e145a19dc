package lock_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// A wait that ends, and a try that fails, say whose contender is before: its id,
// its process and its znode.
func TestErrorsNameTheOtherContender(t *testing.T) {
	host, err := os.Hostname()
	require.NoError(t, err)
	type locker interface {
		Lock(context.Context) (*lock.Hold, error)
		TryLock(context.Context) (*lock.Hold, error)
	}
	kinds := map[string]func(sm *session.Manager, id string) locker{
		"mutex": func(sm *session.Manager, id string) locker { return lock.NewMutex(sm, "/l", lock.ID(id)) },
		"handoff": func(sm *session.Manager, id string) locker {
			return lock.NewMutex(sm, "/l", lock.ID(id), lock.Handoff(3))
		},
		"one node": func(sm *session.Manager, id string) locker { return lock.NewOneNode(sm, "/l", lock.ID(id)) },
	}
	for name, make := range kinds {
		for id, who := range map[string]string{
			"a": fmt.Sprintf("a (pid %d on %s)", os.Getpid(), host),
			"":  fmt.Sprintf("pid %d on %s", os.Getpid(), host),
		} {
			t.Run(name+" "+id, func(t *testing.T) {
				testworld.Run(t, func(w *testworld.World) {
					holder, err := make(w.Process().Manager, id).Lock(w.Context())
					require.NoError(w, err)
					at := who
					if holder.Path() != "/l" { // the error has named that already
						at += " at " + holder.Path()
					}
					second := make(w.Process().Manager, "b")
					_, err = second.TryLock(w.Context())
					require.EqualError(w, withoutSession(err), "try lock /l: "+lock.ErrHeld.Error()+": "+at)
					require.ErrorIs(w, err, lock.ErrHeld)
					_, err = second.Lock(w.Within(time.Minute))
					require.EqualError(w, withoutSession(err), "lock /l: waiting for "+at+": context deadline exceeded")
				})
			})
		}
	}
}

// withoutSession leaves out the session that an error ends with.
func withoutSession(err error) error {
	text, _, _ := strings.Cut(err.Error(), " (session")
	return fmt.Errorf("%s", text)
}

// A reader is told of the writer, and not of the readers before that, with whom
// it could share the lock.
func TestErrorsOfReadersNameTheWriter(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		rw := func(id string) *lock.RWMutex { return lock.NewRWMutex(w.Process().Manager, "/l", lock.ID(id)) }
		_, err := rw("first reader").RLock(w.Context())
		require.NoError(w, err)
		writer := rw("writer")
		waits := testworld.Go(w, writer.Lock)
		require.True(w, waits.Waiting())
		_, err = rw("reader").TryRLock(w.Context())
		require.ErrorIs(w, err, lock.ErrHeld)
		require.ErrorContains(w, err, "contender: writer (pid ")
		_, err = writer.TryLock(w.Context())
		require.ErrorContains(w, err, "contender: first reader (pid ")
		_, err = rw("reader").RLock(w.Within(time.Minute))
		require.ErrorContains(w, err, "waiting for writer (pid ")
		_, err = waits.GiveUp()
		require.ErrorContains(w, err, "waiting for first reader (pid ")
	})
}

// The znode of a contender that was asked to release the lock no longer tells
// whose it is, and that of another library may tell anything.
func TestErrorsNameTheZnodeWithoutAnOwner(t *testing.T) {
	for _, data := range []string{"__REVOKE__", "", "\x00\x01", strings.Repeat("x", 4096)} {
		testworld.Run(t, func(w *testworld.World) {
			w.Put("/l/_c_00000000-0000-0000-0000-000000000000-lock-0000000000", data)
			_, err := lock.NewMutex(w.Process().Manager, "/l").TryLock(w.Context())
			require.ErrorContains(w, err, "another contender: /l/_c_", "%q", data)
		})
	}
}
