package lock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A downgrade lets the readers directly after it in, and no writer.
func TestHardCase46_DowngradeLetsNoWriterIn(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		x := writing(w, p).Get()
		r1, w2, r3 := reading(w, q), writing(w, p), reading(w, q)
		ended := false
		stop := context.AfterFunc(x.Context(), func() { ended = true })
		defer stop()
		before := len(w.Changes())
		w.Once(isMulti, func() zktest.Action {
			synctest.Wait()
			require.True(t, ended, "the context for writing ends before anybody can read")
			return zktest.Pass
		})
		down, err := x.Downgrade(w.Context())
		require.NoError(t, err)
		waiting(w, false, r1)
		waiting(w, true, w2, r3)

		changes := w.Changes()[before:]
		require.Len(t, changes, 2)
		require.Equal(t, changes[0].Zxid, changes[1].Zxid, "in one transaction")
		require.Equal(t, x.Token(), down.Token())
		require.Less(t, down.Token(), r1.Get().Token())
		require.ErrorIs(t, x.Err(), session.ErrReleased)
		require.NoError(t, down.Err())
		require.NoError(t, x.Release(), "it was given up in favour of the other")

		_, err = p.Txn(w.Context(), x.Guard(), session.CreateOp("/a", nil, session.Persistent))
		require.ErrorIs(t, err, session.ErrLost, "the guard of one who may write")
		_, err = p.Txn(w.Context(), down.Guard(), session.CreateOp("/a", nil, session.Persistent))
		require.NoError(t, err)

		require.NoError(t, down.Release())
		waiting(w, true, w2, r3)
		require.NoError(t, r1.Get().Release())
		waiting(w, false, w2)
		waiting(w, true, r3)
		require.Greater(t, w2.Get().Token(), r1.Get().Token())
		require.NoError(t, w2.Get().Release())
		require.NoError(t, r3.Get().Release())
		synctest.Wait()
		require.Empty(t, w.Children(dir))
		require.Zero(t, w.Srv.Watches())
	})
}

// A writer that has only the downgraded contender before it looks again when
// the writer's znode has gone, and finds the reader.
func TestHardCase46_WriterDirectlyBehind(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		x, next := writing(w, p).Get(), writing(w, p)
		down, err := x.Downgrade(w.Context())
		require.NoError(t, err)
		waiting(w, true, next)
		time.Sleep(time.Second) // holds are watched by now
		w.Remove(down.Path())
		waiting(w, false, next)
		require.ErrorIs(t, down.Err(), session.ErrDeleted, "the new node is watched")
	})
}

// Curator makes the read node first and then deletes the write node.
func TestHardCase46_CuratorsDowngrade(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(t, writing(w, p).Get().Release())
		w.Put(dir+"/_c_10000000-0000-4000-8000-000000000000-__WRIT__0000000001", "10.0.0.1")
		require.NoError(t, w.Srv.SetSequence(dir, 2))
		r, x := reading(w, p), writing(w, p)
		waiting(w, true, r, x)
		// Its name sorts before, or after, the name of the write znode.
		read := dir + "/_c_f0000000-0000-4000-8000-000000000000-__READ__0000000001"
		w.Put(read, "10.0.0.1")
		waiting(w, true, r, x)
		late := writing(w, p) // sees both
		w.Remove(dir + "/_c_10000000-0000-4000-8000-000000000000-__WRIT__0000000001")
		waiting(w, false, r)
		waiting(w, true, x, late)
		require.NoError(t, r.Get().Release())
		waiting(w, true, x, late)
		w.Remove(read)
		require.NoError(t, x.Get().Release())
		require.NoError(t, late.Get().Release())
	})
}

func isMulti(r zktest.Request) bool { return r.Op == zktest.OpMulti }

// The request or its answer is lost: what became of it is looked up.
func TestDowngradeAnswerLost(t *testing.T) {
	for name, fault := range map[string]zktest.Action{"request": zktest.DropRequest, "reply": zktest.LoseReply} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				x, r, next := writing(w, p).Get(), reading(w, p), writing(w, p)
				w.Once(isMulti, func() zktest.Action { return fault })
				down, err := x.Downgrade(w.Context())
				require.NoError(t, err)
				require.NoError(t, down.Err())
				waiting(w, false, r)
				waiting(w, true, next)
				require.Len(t, w.Children(dir), 3)
				require.NoError(t, down.Release())
				require.NoError(t, r.Get().Release())
				require.NoError(t, next.Get().Release())
			})
		})
	}
}

// If ctx ends during a downgrade, the lock is given up, whatever the server
// makes of the request, and whenever.
func TestDowngradeGivenUp(t *testing.T) {
	for name, run := range map[string]bool{"before it is done": false, "after it was done": true} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				x := writing(w, p).Get()
				answer := make(chan struct{})
				w.Once(isMulti, func() zktest.Action {
					if run {
						return zktest.LoseReply.Silent()
					}
					return zktest.Hold(answer)
				})
				why := errors.New("no time left")
				ctx, cancel := context.WithCancelCause(w.Context())
				call := testworld.Go(w, func(context.Context) (*lock.Hold, error) { return x.Downgrade(ctx) })
				waiting(w, true, call)
				cancel(why)
				_, err := call.Result()
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, why)
				require.ErrorContains(t, err, dir)
				close(answer)
				next := writing(w, w.Process())
				next.Get()
				synctest.Wait()
				require.Len(t, w.Children(dir), 1, "that of the next")
				require.NoError(t, x.Release())
			})
		})
	}
}

func TestDowngradeRefused(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		x := writing(w, p).Get()
		_, err := x.Downgrade(testworld.Cancelled())
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, x.Err(), "nothing was tried")
		down, err := x.Downgrade(w.Context())
		require.NoError(t, err)
		_, err = x.Downgrade(w.Context())
		require.ErrorIs(t, err, session.ErrReleased)
		require.NoError(t, down.Err())
		require.NoError(t, down.Release())

		x = writing(w, p).Get()
		require.NoError(t, x.Release())
		_, err = x.Downgrade(w.Context())
		require.ErrorIs(t, err, session.ErrReleased)
		require.NotErrorIs(t, err, session.ErrLost)

		// A refusal of the server's gives the lock up.
		x = writing(w, p).Get()
		w.Once(isMulti, func() zktest.Action { return zktest.Fail(zktest.CodeSystemError) })
		_, err = x.Downgrade(w.Context())
		require.Error(t, err)
		require.NotErrorIs(t, err, session.ErrLost)
		synctest.Wait()
		require.Empty(t, w.Children(dir))
	})
}

func TestDowngradeOfALostHold(t *testing.T) {
	lose := map[string]func(w *testworld.World, p *testworld.Process, x *lock.WriteHold){
		"deleted": func(w *testworld.World, _ *testworld.Process, x *lock.WriteHold) { w.Remove(x.Path()) },
		"deleted, unnoticed": func(w *testworld.World, _ *testworld.Process, x *lock.WriteHold) {
			w.Once(isMulti, func() zktest.Action {
				w.Remove(x.Path())
				return zktest.Pass
			})
		},
		"expired": func(_ *testworld.World, p *testworld.Process, _ *lock.WriteHold) { p.Expire() },
		"expired during it": func(w *testworld.World, p *testworld.Process, _ *lock.WriteHold) {
			w.Once(isMulti, func() zktest.Action {
				w.Srv.Expire(p.Current().ID())
				return zktest.DropRequest
			})
		},
		"cut off": func(_ *testworld.World, p *testworld.Process, _ *lock.WriteHold) { p.Link.Cut(zktest.Both) },
		"closed": func(_ *testworld.World, p *testworld.Process, _ *lock.WriteHold) {
			_ = p.Close()
		},
	}
	for name, how := range lose {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				x := writing(w, p).Get()
				synctest.Wait()
				how(w, p, x)
				synctest.Wait()
				_, err := x.Downgrade(w.Context())
				require.ErrorIs(t, err, session.ErrLost)
				p.Link.Heal()
				time.Sleep(time.Minute)
				require.Empty(t, w.Children(dir))
			})
		})
	}
}

// Do ends with the hold that it gave; what came of the downgrade is the
// function's own.
func TestDoThatDowngrades(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		var down *lock.Hold
		require.NoError(t, rw(p).Do(w.Context(), func(ctx context.Context, h *lock.WriteHold) (err error) {
			down, err = h.Downgrade(w.Context())
			<-ctx.Done()
			require.ErrorIs(t, context.Cause(ctx), session.ErrReleased)
			return err
		}))
		require.NoError(t, down.Err())
		require.NoError(t, reading(w, p).Get().Release())
		require.NoError(t, down.Release())
		synctest.Wait()
		require.Empty(t, w.Children(dir))
	})
}
