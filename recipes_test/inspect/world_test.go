//go:build unix

package inspect

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/recipes_test/peers"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { ensemble.Main(m, peers.Clean) }

const (
	timeout  = 40 * time.Second // of all sessions: no test waits for their end
	patience = time.Minute      // maximum wait for an event that must happen
)

// world is the environment of a test: three real servers, and a session that
// inspects.
type world struct {
	*testing.T
	*ensemble.Ensemble
	looker *session.Manager
}

func inWorld(t *testing.T) *world {
	t.Helper()
	ensemble.RequireZooKeeper(t)
	w := &world{T: t, Ensemble: ensemble.Start(t, 3)}
	w.looker = w.docent()
	return w
}

func (w *world) curator() *peers.Peer {
	w.Helper()
	return peers.Curator(w, strings.Join(w.Addrs(), ","), timeout)
}

func (w *world) kazoo() *peers.Peer {
	w.Helper()
	return peers.Kazoo(w, strings.Join(w.Addrs(), ","), timeout)
}

// docent opens a session of Docent.
func (w *world) docent() *session.Manager {
	w.Helper()
	return ensemble.Dial(w, patience, session.Config{Servers: w.Addrs(), Timeout: timeout})
}

func (w *world) within(d time.Duration) context.Context { return ensemble.Within(w, d) }

// look returns a report on the whole ensemble.
func (w *world) look() *inspect.Report {
	w.Helper()
	r, err := inspect.Read(w.within(patience), w.looker, "/")
	require.NoError(w, err)
	return r
}

// at returns the finding at a path, if it is a T.
func at[T inspect.Finding](r *inspect.Report, path string) (T, bool) {
	for _, f := range r.Findings {
		if found, ok := f.(T); ok && f.Head().Path == path {
			return found, true
		}
	}
	return *new(T), false
}

// waiters waits until the lock has n waiters.
func (w *world) waiters(path string, n int) {
	w.Helper()
	ensemble.Eventually(w, patience, fmt.Sprintf("%d wait at %s", n, path), func() bool {
		l, ok := at[*inspect.Lock](w.look(), path)
		return ok && len(l.Waiters) == n
	})
}

// deadlocks returns the deadlocks.
func (w *world) deadlocks() []inspect.Deadlock {
	w.Helper()
	found, err := inspect.Deadlocks(w.within(patience), w.looker, "/", inspect.Confirm(100*time.Millisecond))
	require.NoError(w, err)
	require.True(w, found.Report.Complete())
	return found.Deadlocks
}

// waiting is one of Docent's waiters for a mutex.
type waiting struct {
	giveUp context.CancelFunc
	done   chan error
}

func (w *world) wait(sm *session.Manager, path string) waiting {
	ctx, cancel := context.WithCancel(w.Context())
	call := waiting{cancel, make(chan error, 1)}
	go func() {
		_, err := lock.NewMutex(sm, path).Lock(ctx)
		call.done <- err
	}()
	w.Cleanup(cancel)
	return call
}

func (w *world) hold(sm *session.Manager, path string) *lock.Hold {
	w.Helper()
	h, err := lock.NewMutex(sm, path).Lock(w.within(patience))
	require.NoError(w, err)
	return h
}

func idOf(t *testing.T, sm *session.Manager) session.ID {
	t.Helper()
	s, err := sm.Session(t.Context())
	require.NoError(t, err)
	return s.ID
}

// ms is a duration in the peers' unit.
func ms(d time.Duration) int64 { return d.Milliseconds() }
