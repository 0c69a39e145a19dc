package waitqueue_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// A znode that no session will remove blocks a wait queue for ever. The error of
// the wait says so.
func TestFault46_LastingPredecessor(t *testing.T) {
	waits := map[string]struct {
		tag  string
		wait func(ctx context.Context, sm *session.Manager) error
	}{
		"mutex": {"lock-", func(ctx context.Context, sm *session.Manager) error {
			_, err := lock.NewMutex(sm, "/dir").Lock(ctx)
			return err
		}},
		"reader": {"__WRIT__", func(ctx context.Context, sm *session.Manager) error {
			_, err := lock.NewRWMutex(sm, "/dir").RLock(ctx)
			return err
		}},
		"writer": {"__READ__", func(ctx context.Context, sm *session.Manager) error {
			_, err := lock.NewRWMutex(sm, "/dir").Lock(ctx)
			return err
		}},
		"election": {"latch-", func(ctx context.Context, sm *session.Manager) error {
			_, err := election.New(sm, "/dir").Campaign(ctx)
			return err
		}},
	}
	for name, c := range waits {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				node := "/dir/_c_01234567-89ab-cdef-0123-456789abcdef-" + c.tag + "0000000000"
				w.Put(node, "")
				require.NoError(w, w.Srv.SetSequence("/dir", 1))
				for range 2 { // the second contender waits for the znode before its predecessor
					err := c.wait(w.Within(time.Minute), w.Process().Manager)
					require.ErrorIs(w, err, context.DeadlineExceeded)
					require.ErrorIs(w, err, session.ErrNotEphemeral)
					require.ErrorContains(w, err, "waiting for "+node+": the znode is not ephemeral, so no session owns it")
				}
				w.Remove(node)
				held := w.Process()
				go func() { _ = c.wait(w.Context(), held.Manager) }()
				time.Sleep(time.Second)
				err := c.wait(w.Within(time.Minute), w.Process().Manager)
				if name != "reader" {
					require.ErrorIs(w, err, context.DeadlineExceeded)
				}
				require.NotErrorIs(w, err, session.ErrNotEphemeral, "an owner's session may end")
			})
		})
	}
}

// Every contender behind a lasting one says so, wherever it is in the line: also
// one that waits for contenders with sessions, and one that waits in the process.
func TestLastingFirst(t *testing.T) {
	const node = "/dir/_c_01234567-89ab-cdef-0123-456789abcdef-lock-0000000000"
	for name, opts := range map[string][]lock.MutexOption{"Lock": nil, "Handoff": {lock.Handoff(10)}} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				w.Put(node, "")
				require.NoError(w, w.Srv.SetSequence("/dir", 1))
				const contenders = 5
				errs := make(chan error)
				for n := range contenders {
					m := lock.NewMutex(w.Process().Manager, "/dir", opts...)
					ctx := w.Within(time.Minute - time.Duration(n)*time.Second) // the last one gives up first
					go func() {
						_, err := m.Lock(ctx)
						errs <- err
					}()
					time.Sleep(time.Millisecond)
				}
				for range contenders {
					err := <-errs
					require.ErrorIs(w, err, context.DeadlineExceeded)
					require.ErrorIs(w, err, session.ErrNotEphemeral)
					require.ErrorContains(w, err, node+": the znode is not ephemeral")
				}
				m := lock.NewMutex(w.Process().Manager, "/dir", opts...)
				gone := make(chan error, 1)
				go func() {
					h, err := m.Lock(w.Within(time.Minute))
					if err == nil {
						err = h.Release()
					}
					gone <- err
				}()
				time.Sleep(30 * time.Second)
				w.Remove(node)
				require.NoError(w, <-gone)
			})
		})
	}
}

// With Handoff, only one goroutine of a process contends. The others say what it
// waits for, and what blocks it no longer is not said.
func TestLastingPredecessorOfHandoff(t *testing.T) {
	const node = "/dir/_c_01234567-89ab-cdef-0123-456789abcdef-lock-0000000000"
	testworld.Run(t, func(w *testworld.World) {
		w.Put(node, "")
		require.NoError(w, w.Srv.SetSequence("/dir", 1))
		m := lock.NewMutex(w.Process().Manager, "/dir", lock.Handoff(10))
		held := make(chan *lock.Hold, 1)
		go func() {
			h, err := m.Lock(w.Context())
			if err == nil {
				held <- h
			}
		}()
		time.Sleep(time.Second)
		_, err := m.Lock(w.Within(time.Second))
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorIs(w, err, session.ErrNotEphemeral)
		require.ErrorContains(w, err, "waiting for "+node)
		w.Remove(node)
		h := <-held
		_, err = m.Lock(w.Within(time.Second))
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.NotErrorIs(w, err, session.ErrNotEphemeral)
		require.NoError(w, h.Release())
	})
}
