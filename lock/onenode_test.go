package lock_test

import (
	"context"
	"slices"
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

func oneNode(p *testworld.Process, opts ...lock.LockOption) *lock.OneNode {
	return lock.NewOneNode(p.Manager, dir, opts...)
}

func excluding(w *testworld.World, p *testworld.Process) *testworld.Call[*lock.Hold] {
	return testworld.Go(w, oneNode(p).Lock)
}

func TestOneNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		m := oneNode(p, lock.ID("a"))
		require.Equal(t, dir, m.Path())
		holders, err := m.Holders(w.Context())
		require.NoError(t, err)
		require.Empty(t, holders)

		h, err := m.Lock(w.Context())
		require.NoError(t, err)
		require.Equal(t, dir, h.Path())
		node, _ := w.Srv.Node(dir)
		require.Equal(t, node.Stat.Czxid, h.Token())
		other, same := excluding(w, q), excluding(w, p)
		waiting(w, true, other, same)
		for _, p := range []*testworld.Process{p, q} {
			_, err := oneNode(p).TryLock(w.Context())
			require.ErrorIs(t, err, lock.ErrHeld)
			require.ErrorContains(t, err, dir)
		}
		holders, err = oneNode(q).Holders(w.Context())
		require.NoError(t, err)
		require.Len(t, holders, 1)
		require.Equal(t, "a", holders[0].ID)
		require.Equal(t, h.Token(), holders[0].Token)

		require.NoError(t, h.Release())
		first, second := other, same
		if other.Waiting() {
			first, second = same, other
		}
		next := first.Get()
		require.Greater(t, next.Token(), h.Token())
		waiting(w, true, second)
		require.NoError(t, h.Release(), "late: it touches nothing of another's")
		require.NoError(t, next.Err())
		require.NoError(t, next.Release())
		require.NoError(t, second.Get().Release())
		require.NoError(t, oneNode(p).Do(w.Context(), func(ctx context.Context, h *lock.Hold) error { return h.Err() }))
		_, found := w.Srv.Node(dir)
		require.False(t, found)
	})
}

// The answer to the create is lost, and the repeated one finds a node of our
// own session. Of two goroutines that may have made it, one holds.
func TestHardCase09_OneNodeFindsItsOwnNode(t *testing.T) {
	for name, fault := range map[string]zktest.Action{"request": zktest.DropRequest, "reply": zktest.LoseReply} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				w.Put("/locks/keep", "")
				w.Once(creates, func() zktest.Action { return fault })
				a, b := excluding(w, p), excluding(w, p)
				time.Sleep(time.Minute)
				require.NotEqual(t, a.Waiting(), b.Waiting(), "one of them holds")
				first, second := a, b
				if a.Waiting() {
					first, second = b, a
				}
				require.NoError(t, first.Get().Release())
				require.NoError(t, second.Get().Err())
			})
		})
	}
}

func creates(r zktest.Request) bool { return r.Op == zktest.OpCreate && r.Path == dir }

// The znode of another session does not count as ours, nor does the znode of an
// earlier session of this process.
func TestHardCase22_OneNodeWaitsForTheOldNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h, err := oneNode(p).Lock(w.Context())
		require.NoError(t, err)
		p.Link.Cut(zktest.ToServer)
		<-h.Done()
		require.ErrorIs(t, h.Err(), session.ErrTrustElapsed)
		p.Link.Disconnect()
		p.Link.Heal()
		next := excluding(w, p)
		waiting(w, true, next)
		require.NotEmpty(t, w.Data(dir), "the old one stands")
		got := next.Get()
		require.NotEqual(t, h.SessionID(), got.SessionID())
		require.Greater(t, got.Token(), h.Token())
		require.ErrorIs(t, h.Release(), session.ErrLost)
		require.NoError(t, got.Err())
	})
}

// A release tells all waiters. Those that come too late have made two requests
// each, a create and a watch.
func TestHardCase66_OneNodeHerd(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const n = 20
		h, err := oneNode(w.Process()).Lock(w.Context())
		require.NoError(t, err)
		var all []*testworld.Call[*lock.Hold]
		for range n {
			all = append(all, excluding(w, w.Process()))
		}
		waiting(w, true, all[0])
		for len(all) > 0 {
			require.Equal(t, 1+len(all), w.Srv.WatchesOf(dir), "one for each, and the holder's")
			counts := w.Count(func() { require.NoError(t, h.Release()) })
			require.Equal(t, map[string]int{"sync": 1, "exists": 1, "delete": 1, "create": len(all), "getData": len(all)}, counts,
				"the one that came first reads its own node, the others read it for a watch")
			i := slices.IndexFunc(all, func(c *testworld.Call[*lock.Hold]) bool { return !c.Waiting() })
			h = all[i].Get()
			all = slices.Delete(all, i, i+1)
			for _, c := range all {
				waiting(w, true, c)
			}
		}
		require.NoError(t, h.Release())
	})
}

// The directory of a mutex is in use: no error says that it may be deleted.
func TestOneNodeAtTheDirectoryOfAMutex(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h, err := lock.NewMutex(p.Manager, dir).Lock(w.Context())
		require.NoError(t, err)
		for _, release := range []func() error{func() error { return nil }, h.Release} {
			require.NoError(t, release())
			_, err = oneNode(p).Lock(w.Context())
			_, tried := oneNode(p).TryLock(w.Context())
			for _, err := range []error{err, tried} {
				require.ErrorIs(t, err, session.ErrNotEphemeral)
				require.ErrorContains(t, err, "; choose another path")
				require.NotContains(t, err.Error(), "delete")
			}
		}
	})
}

func TestOneNodeWithoutAnEphemeralNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put(dir, "somebody's config")
		_, err := oneNode(p).Lock(w.Context())
		require.ErrorIs(t, err, session.ErrNotEphemeral)
		require.ErrorContains(t, err, dir)
		_, err = oneNode(p).TryLock(w.Context())
		require.ErrorIs(t, err, session.ErrNotEphemeral)
		require.NotErrorIs(t, err, lock.ErrHeld)
		require.Equal(t, "somebody's config", w.Data(dir))

		// The same, if the znode appears while Lock waits.
		w.Remove(dir)
		h, err := oneNode(p).Lock(w.Context())
		require.NoError(t, err)
		q := w.Process()
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if creates(r) && r.Session == q.Current().ID() {
				if _, found := w.Srv.Node(dir); !found {
					w.Put(dir, "")
				}
			}
			return zktest.Pass
		})
		next := excluding(w, q)
		waiting(w, true, next)
		require.NoError(t, h.Release())
		_, err = next.Result()
		require.ErrorIs(t, err, session.ErrNotEphemeral)
	})
}

func TestOneNodeDeleted(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h, err := oneNode(p).Lock(w.Context())
		require.NoError(t, err)
		next := excluding(w, w.Process())
		w.Remove(dir)
		got := next.Get()
		<-h.Done()
		require.ErrorIs(t, h.Err(), session.ErrDeleted)
		require.ErrorIs(t, h.Release(), session.ErrLost)
		time.Sleep(time.Minute)
		require.NoError(t, got.Err())
	})
}

// A call that ends while its create is under way leaves no znode, and deletes
// no other contender's.
func TestHardCase03_OneNodeCancelledCreate(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/locks/keep", "")
		answer := make(chan struct{})
		w.Once(creates, func() zktest.Action { return zktest.Hold(answer) })
		call := excluding(w, p)
		next := excluding(w, p)
		_, err := call.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		close(answer)
		h := next.Get()
		time.Sleep(time.Minute)
		require.NoError(t, h.Err(), "the sweep of the first left it alone")
		require.NoError(t, h.Release())
		_, found := w.Srv.Node(dir)
		require.False(t, found)
	})
}

func TestHardCase50_OneNodeReleaseRacesWithAcquire(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		m := oneNode(w.Process())
		var held, turns int // the race detector watches these
		var work sync.WaitGroup
		for range 10 {
			work.Go(func() {
				for range 10 {
					if err := m.Do(w.Context(), func(context.Context, *lock.Hold) error {
						held++
						turns++
						if held != 1 {
							t.Errorf("%d hold", held)
						}
						held--
						return nil
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		work.Wait()
		require.Equal(t, 100, turns)
	})
}

func TestHardCase51_OneNodeRelease(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h, err := oneNode(p).Lock(w.Context())
		require.NoError(t, err)
		p.Expire()
		<-h.Done()
		other := excluding(w, w.Process()).Get()
		for range 2 {
			require.ErrorIs(t, h.Release(), session.ErrLost)
		}
		require.NoError(t, other.Err())
		require.NotEmpty(t, w.Data(dir))
	})
}

func TestHardCase68_OneNodeParents(t *testing.T) {
	for _, opts := range [][]zktest.Option{nil, {zktest.NoContainers()}} {
		testworld.Run(t, func(w *testworld.World) {
			h, err := oneNode(w.Process()).Lock(w.Context())
			require.NoError(t, err)
			require.NoError(t, h.Release())
			time.Sleep(3 * time.Minute)
			if opts == nil {
				require.Empty(t, w.Srv.Paths(), "the server has reaped the parents")
			}
		}, opts...)
	}
}

// The next holder's znode has the same path, so a guard would also pass for a
// former holder. So a OneNode has none.
func TestOneNodeHasNoGuard(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h, err := oneNode(p).Lock(w.Context())
		require.NoError(t, err)
		counts := w.Count(func() {
			_, err = p.Txn(w.Context(), session.CreateOp("/a", nil, session.Persistent), h.Guard())
			require.ErrorIs(t, err, session.ErrNoGuard)
			require.ErrorContains(t, err, "op 2")
		})
		require.Empty(t, counts)
	})
}

func TestOneNodeRevoke(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		var next *testworld.Call[*lock.Hold]
		require.NoError(t, oneNode(p, lock.Revocable()).Do(w.Context(), func(ctx context.Context, h *lock.Hold) error {
			next = excluding(w, q)
			asked, err := oneNode(q).Revoke(w.Context())
			require.NoError(t, err)
			require.Len(t, asked, 1)
			<-ctx.Done()
			require.ErrorIs(t, context.Cause(ctx), lock.ErrRevoked)
			require.NoError(t, h.Err())
			holders, err := oneNode(q).Holders(w.Context())
			require.NoError(t, err)
			require.True(t, holders[0].Revoked)
			return nil
		}))
		require.False(t, isClosed(next.Get().Revoked()))
	})
}

func TestOneNodeRefused(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		bad := lock.NewOneNode(p.Manager, "/locks/../a")
		require.Empty(t, w.Count(func() {
			for _, call := range []func() error{
				func() error { _, err := bad.Lock(w.Context()); return err },
				func() error { _, err := bad.TryLock(w.Context()); return err },
				func() error { _, err := bad.Holders(w.Context()); return err },
				func() error { _, err := bad.Revoke(w.Context()); return err },
				func() error { return bad.Do(w.Context(), func(context.Context, *lock.Hold) error { return nil }) },
			} {
				require.ErrorContains(t, call(), `relative segment ".."`)
			}
			_, err := oneNode(p).Lock(testworld.Cancelled())
			require.ErrorIs(t, err, context.Canceled)
			_, err = oneNode(p).TryLock(testworld.Cancelled())
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, lock.ErrHeld)
		}))
		w.Put("/locks", "")
		undo := w.Fail(zktest.OpCreate, dir, zktest.CodeNoAuth)
		_, err := oneNode(p).Lock(w.Context())
		require.ErrorIs(t, err, session.ErrNoAuth)
		undo()
		h := excluding(w, p).Get()
		require.NoError(t, p.Close())
		require.ErrorIs(t, h.Err(), session.ErrClosed)
		_, err = oneNode(p).Lock(w.Context())
		require.ErrorIs(t, err, session.ErrClosed)
		synctest.Wait()
	})
}
