package lock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Another client deletes the holder's znode, and the holder's server lags: the
// event is late. The release of the old holder leaves the next holder's znode
// alone.
func TestFault06_OneNodeReleaseLeavesTheNextHolderAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		old, err := oneNode(a).Lock(w.Context())
		require.NoError(t, err)
		w.Srv.Lag(a.Current().ID())
		w.Remove(dir)
		next, err := oneNode(b).Lock(w.Context())
		require.NoError(t, err)
		require.NoError(t, old.Err(), "the event is late")
		if err := old.Release(); err != nil {
			require.ErrorIs(t, err, session.ErrDeleted)
		}
		time.Sleep(time.Minute)
		require.NoError(t, next.Err())
		node, found := w.Srv.Node(dir)
		require.True(t, found)
		require.Equal(t, next.Token(), node.Stat.Czxid)
		require.NoError(t, next.Release())
	})
}

// The answer to a Revoke is lost, the holder that was asked gives the lock up,
// and the next one takes it: that one was not asked.
func TestFault04_RevokeDoesNotAskTheNextHolder(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, operator := w.Process(), w.Process(), w.Process()
		old, err := oneNode(a).Lock(w.Context())
		require.NoError(t, err)
		next := excluding(w, b)
		operator.Meddle(testworld.Is(zktest.OpSetData, dir), func() { go func() { _ = old.Release() }() })
		err = lock.Revoke(w.Context(), operator.Manager, dir)
		require.ErrorIs(t, err, session.ErrUnknownOutcome, "the node that was asked has gone: it may have been asked, or not")
		h := next.Get()
		select {
		case <-h.Revoked():
			require.Fail(t, "it was not asked")
		default:
		}
		require.NoError(t, h.Release())
	})
}

// held returns the release of the acquired lock.
func held[H interface{ Release() error }](h H, err error) (func() error, error) {
	if err != nil {
		return nil, err
	}
	return h.Release, nil
}

// A throttled server delays requests, and no znodes are left over.
func TestFault09_LocksOnAThrottledServer(t *testing.T) {
	type release = func() error
	for name, acquire := range map[string]func(ctx context.Context, sm *session.Manager) (release, error){
		"mutex": func(ctx context.Context, sm *session.Manager) (release, error) {
			return held(lock.NewMutex(sm, dir).Lock(ctx))
		},
		"try": func(ctx context.Context, sm *session.Manager) (release, error) {
			return held(lock.NewMutex(sm, dir).TryLock(ctx))
		},
		"reader": func(ctx context.Context, sm *session.Manager) (release, error) {
			return held(lock.NewRWMutex(sm, dir).RLock(ctx))
		},
		"downgrade": func(ctx context.Context, sm *session.Manager) (release, error) {
			h, err := lock.NewRWMutex(sm, dir).Lock(ctx)
			if err != nil {
				return nil, err
			}
			return held(h.Downgrade(ctx))
		},
		"one-node": func(ctx context.Context, sm *session.Manager) (release, error) {
			return held(lock.NewOneNode(sm, dir+"/x").Lock(ctx))
		},
		"semaphore": func(ctx context.Context, sm *session.Manager) (release, error) {
			return held(lock.NewSemaphore(sm, dir, lock.SharedLimit("/limit", 3)).Acquire(ctx, 2))
		},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				w.Throttle()
				for range 3 { // and the next one is not blocked by what the last has left
					release, err := acquire(w.Within(time.Minute), p.Manager)
					require.NoError(t, err)
					require.NoError(t, release())
				}
				synctest.Wait()
				for _, path := range []string{dir, dir + "/locks", dir + "/leases"} {
					if node, found := w.Srv.Node(path); found {
						for _, child := range node.Children {
							below, _ := w.Srv.Node(path + "/" + child)
							require.Zero(t, below.Stat.EphemeralOwner, child)
						}
					}
				}
			})
		})
	}
}
