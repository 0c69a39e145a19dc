package queue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// TestFault05_GuardOfALostClaim: whatever other clients do with an item after a
// claim on it was lost, the guard of that claim never passes again.
func TestFault05_GuardOfALostClaim(t *testing.T) {
	write := session.CreateOp("/row", nil, session.Persistent)
	for name, meanwhile := range map[string]func(w world, others *user){
		"nothing happens": func(world, *user) {},
		"given back uncounted": func(w world, others *user) {
			require.NoError(w, others.take().Release(queue.WithoutAttempt()))
		},
		"given back uncounted, and taken": func(w world, others *user) {
			require.NoError(w, others.take().Release(queue.WithoutAttempt()))
			others.take()
		},
		"taken by a Take whose ctx has ended": func(w world, others *user) {
			ctx, cancel := context.WithCancel(w.Context())
			w.Once(on(zktest.OpMulti, claim0), func() zktest.Action {
				cancel()
				return zktest.Pass
			})
			_, err := others.Take(ctx)
			require.ErrorIs(w, err, context.Canceled)
		},
		"claimed ahead by a Consume that shuts down": func(w world, others *user) {
			others.put("sooner", queue.Priority(-1))
			ctx, cancel := context.WithCancel(w.Context())
			done := make(chan error)
			go func() {
				done <- others.Consume(ctx, func(ctx context.Context, _ *queue.Item) error {
					<-ctx.Done()
					return errors.New("shut down")
				}, queue.Prefetch(1))
			}()
			w.Eventually(func() bool { return len(w.Children(path+"/claims")) == 2 }, "both are claimed")
			cancel()
			require.ErrorIs(w, <-done, context.Canceled)
		},
		"acknowledged, and another item has its name": func(w world, others *user) {
			require.NoError(w, others.take().Ack())
			w.Remove(path + "/items")
			others.put("y")
			require.Equal(w, queue.ID("0000000000"), others.take().ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w world) {
				a, others := w.user(), w.user()
				a.put("x")
				item := a.take()
				guard, err := item.Guard(w.Context())
				require.NoError(w, err)
				a.p.Expire()
				<-item.Done()
				synctest.Wait()
				meanwhile(w, others)
				time.Sleep(time.Second)
				_, err = a.p.Txn(w.Context(), append(guard, write)...)
				require.ErrorIs(w, err, session.ErrLost)
				_, err = item.Guard(w.Context())
				require.ErrorIs(w, err, session.ErrLost)
				_, err = a.p.Txn(w.Context(), item.Hold.Guard(), write)
				require.ErrorIs(w, err, session.ErrNoGuard)
			})
		})
	}
}

// TestFault05_GuardEndsWithItsClaim: each way to end a claim deletes the guard,
// and does so before another consumer can have the item.
func TestFault05_GuardEndsWithItsClaim(t *testing.T) {
	write := session.CreateOp("/row", nil, session.Persistent)
	for name, end := range map[string]func(*queue.Item) error{
		"Ack":               (*queue.Item).Ack,
		"Release":           func(i *queue.Item) error { return i.Release() },
		"Release uncounted": func(i *queue.Item) error { return i.Release(queue.WithoutAttempt()) },
		"Release after":     func(i *queue.Item) error { return i.Release(queue.After(time.Second)) },
		"Reject":            func(i *queue.Item) error { return i.Reject("no") },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w world) {
				u, other := w.user(), w.user()
				u.put("x")
				item := u.take()
				require.Empty(w, w.Children(path+"/guards"), "a guard that is not asked for costs nothing")
				guard, err := item.Guard(w.Context())
				require.NoError(w, err)
				again, err := item.Guard(w.Context())
				require.NoError(w, err)
				require.Equal(w, guard, again)
				require.Len(w, w.Children(path+"/guards"), 1)
				_, err = u.p.Txn(w.Context(), append(guard, session.CreateOp("/before", nil, session.Persistent))...)
				require.NoError(w, err)

				waiting := other.taking()
				synctest.Wait()
				w.Once(on(zktest.OpDelete, guard0(w)), testworld.Always(zktest.LoseReply))
				require.NoError(w, end(item))
				require.Empty(w, w.Children(path+"/guards"))
				_, err = other.p.Txn(w.Context(), append(guard, write)...)
				require.ErrorIs(w, err, session.ErrLost)
				_, err = item.Guard(w.Context())
				require.ErrorIs(w, err, session.ErrReleased)
				if name[:3] == "Rel" {
					require.NoError(w, waiting.Get().Ack())
				}
			})
		})
	}
}

// guard0 is the path of the one guard.
func guard0(w world) string { return path + "/guards/" + w.Children(path + "/guards")[0] }

// TestFault05_GuardAndAStranger: the claim is deleted past the library while
// the session lives on. The guard's version refuses the transaction.
func TestFault05_GuardAndAStranger(t *testing.T) {
	run(t, func(w world) {
		a, b := w.user(), w.user()
		a.put("x")
		item := a.take()
		guard, err := item.Guard(w.Context())
		require.NoError(w, err)
		time.Sleep(time.Second) // the claim is watched by then
		w.Remove(item.Path())
		b.take()
		_, err = a.p.Txn(w.Context(), append(guard, session.CreateOp("/row", nil, session.Persistent))...)
		require.ErrorIs(w, err, session.ErrLost)
		require.ErrorIs(w, item.Release(), session.ErrDeleted)
		synctest.Wait()
		require.Empty(w, w.Children(path+"/guards"))
	})
}

// TestFault05_GuardIsCutShort: the claim ends while its guard is being created.
func TestFault05_GuardIsCutShort(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("x")
		item := u.take()
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		_, err := item.Guard(ctx)
		require.ErrorIs(w, err, context.Canceled)
		create := func(r zktest.Request) bool { return r.Op == zktest.OpCreate2 || r.Op == zktest.OpCreate }
		w.Once(create, func() zktest.Action {
			go func() { _ = item.Release() }()
			return zktest.LoseReply
		})
		_, err = item.Guard(w.Context())
		require.ErrorIs(w, err, session.ErrReleased)
		w.Eventually(func() bool { return len(w.Children(path+"/guards")) == 0 }, "the guard is gone")
		require.NoError(w, u.take().Ack())
	})
}
