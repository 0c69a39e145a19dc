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

func isClosed(c <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestRevoke(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		m := lock.NewMutex(q.Manager, dir)
		asked, err := m.Revoke(w.Context())
		require.NoError(t, err)
		require.Empty(t, asked, "there are no holders")

		h, err := lock.NewMutex(p.Manager, dir, lock.ID("slow")).Lock(w.Context())
		require.NoError(t, err)
		next := testworld.Go(w, m.Lock)
		time.Sleep(time.Second) // holds are watched by now
		require.False(t, isClosed(h.Revoked()))
		counts := w.Count(func() {
			asked, err = m.Revoke(w.Context())
			require.NoError(t, err)
		})
		require.Equal(t, 1, counts["setData"])
		require.Len(t, asked, 1)
		require.Equal(t, "slow", asked[0].ID)
		require.Equal(t, "__REVOKE__", w.Data(h.Path()), "Curator compares just that")
		require.True(t, isClosed(h.Revoked()))
		require.Equal(t, h.Revoked(), h.Revoked())
		require.NoError(t, h.Err(), "it is a request")
		waiting(w, true, next)

		holders, err := m.Holders(w.Context())
		require.NoError(t, err)
		require.True(t, holders[0].Revoked)
		require.Empty(t, holders[0].ID)
		require.Equal(t, h.SessionID(), holders[0].Session)

		require.NoError(t, h.Release())
		require.False(t, isClosed(next.Get().Revoked()), "that concerned the one before")
	})
}

// Revoked costs no watch of its own, and no request until another client
// writes.
func TestRevokedCostsNothing(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		h, err := lock.NewMutex(w.Process().Manager, dir).Lock(w.Context())
		require.NoError(t, err)
		time.Sleep(time.Second) // holds are watched by now
		watches := w.Srv.Watches()
		require.Empty(t, w.Count(func() { h.Revoked() }))
		require.Equal(t, watches, w.Srv.Watches())
		require.Equal(t, map[string]int{"getData": 1}, w.Count(func() { w.Put(h.Path(), "__REVOKE__") }))
		require.True(t, isClosed(h.Revoked()))
	})
}

// Other data in the znode are not a request. A request that came before the
// first call of Revoked, or during a disconnection, is not missed.
func TestRevokedIsNotMissed(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		h, err := lock.NewMutex(p.Manager, dir).Lock(w.Context())
		require.NoError(t, err)
		for _, other := range []string{"", "__REVOKE", "__REVOKE__\n", "127.0.0.1"} {
			w.Put(h.Path(), other)
			require.False(t, isClosed(h.Revoked()), "%q", other)
		}
		p.Link.Refuse(true)
		p.Link.Disconnect()
		w.Put(h.Path(), "__REVOKE__")
		require.False(t, isClosed(h.Revoked()))
		p.Link.Refuse(false)
		w.Eventually(func() bool { return isClosed(h.Revoked()) }, "it hears of it")
		require.NoError(t, h.Err())

		// A waiter is asked before it holds.
		next := testworld.Go(w, lock.NewMutex(q.Manager, dir).Lock)
		waiters, err := lock.NewMutex(p.Manager, dir).Waiters(w.Context())
		require.NoError(t, err)
		require.NoError(t, lock.Revoke(w.Context(), p.Manager, waiters[0].Path))
		synctest.Wait()
		require.NoError(t, h.Release())
		require.True(t, isClosed(next.Get().Revoked()))
	})
}

// Between the create and the first read of the own node.
func TestRevokedAtOnce(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpGetData }, func() zktest.Action {
			w.Put(dir+"/"+w.Children(dir)[0], "__REVOKE__")
			return zktest.Pass
		})
		h, err := lock.NewMutex(p.Manager, dir).Lock(w.Context())
		require.NoError(t, err)
		time.Sleep(time.Second) // holds are watched by now
		require.True(t, isClosed(h.Revoked()))
	})
}

func TestRevocableDo(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		m := lock.NewMutex(q.Manager, dir)
		next := (*testworld.Call[*lock.Hold])(nil)
		done := errors.New("in order")
		err := lock.NewMutex(p.Manager, dir, lock.Revocable()).Do(w.Context(), func(ctx context.Context, h *lock.Hold) error {
			next = testworld.Go(w, m.Lock)
			_, err := m.Revoke(w.Context())
			require.NoError(t, err)
			<-ctx.Done()
			require.ErrorIs(t, context.Cause(ctx), lock.ErrRevoked)
			require.NoError(t, h.Err())
			time.Sleep(time.Hour) // puts things in order
			waiting(w, true, next)
			return done
		})
		require.Equal(t, done, err)
		require.NoError(t, next.Get().Release())

		// Without the option the context does not end.
		require.NoError(t, m.Do(w.Context(), func(ctx context.Context, h *lock.Hold) error {
			require.NoError(t, lock.Revoke(w.Context(), p.Manager, h.Path()))
			time.Sleep(time.Second) // holds are watched by now
			require.True(t, isClosed(h.Revoked()))
			return ctx.Err()
		}))
		// A loss is still a loss.
		err = lock.NewMutex(p.Manager, dir, lock.Revocable()).Do(w.Context(), func(ctx context.Context, h *lock.Hold) error {
			w.Remove(h.Path())
			<-ctx.Done()
			return context.Cause(ctx)
		})
		require.ErrorIs(t, err, session.ErrDeleted)
	})
}

func TestRevokeReadersAndWriters(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		r1, r2 := reading(w, p).Get(), reading(w, q).Get()
		x, r3 := writing(w, p), reading(w, q)
		time.Sleep(time.Second) // holds are watched by now
		asked, err := rw(q).Revoke(w.Context())
		require.NoError(t, err)
		require.Len(t, asked, 2)
		require.True(t, isClosed(r1.Revoked()))
		require.True(t, isClosed(r2.Revoked()))
		require.NoError(t, r1.Release())
		require.NoError(t, r2.Release())
		require.False(t, isClosed(x.Get().Revoked()))
		asked, err = rw(q).Revoke(w.Context())
		require.NoError(t, err)
		require.Len(t, asked, 1)
		require.Equal(t, lock.ModeWrite, asked[0].Mode)
		require.True(t, isClosed(x.Get().Revoked()))

		down, err := x.Get().Downgrade(w.Context())
		require.NoError(t, err)
		require.False(t, isClosed(down.Revoked()), "the new hold has not been asked yet")
		require.NoError(t, down.Release())
		require.NoError(t, r3.Get().Release())
	})
}

func TestRevokeFails(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h, err := lock.NewMutex(p.Manager, dir).Lock(w.Context())
		require.NoError(t, err)
		for _, fault := range []zktest.Action{zktest.DropRequest, zktest.LoseReply} {
			w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpSetData }, func() zktest.Action { return fault })
			require.NoError(t, lock.Revoke(w.Context(), p.Manager, h.Path()), "asked again where the answer is lost")
		}
		require.ErrorIs(t, lock.Revoke(testworld.Cancelled(), p.Manager, h.Path()), context.Canceled)
		require.ErrorContains(t, lock.Revoke(w.Context(), p.Manager, "locks"), "relative")
		undo := w.Fail(zktest.OpSetData, h.Path(), zktest.CodeNoAuth)
		_, err = lock.NewMutex(p.Manager, dir).Revoke(w.Context())
		require.ErrorIs(t, err, session.ErrNoAuth)
		require.ErrorContains(t, err, h.Path())
		undo()
		require.NoError(t, h.Release())
		require.NoError(t, lock.Revoke(w.Context(), p.Manager, h.Path()), "it has given up already")
	})
}

// Revoke writes into nodes of locks alone.
func TestFault56_RevokeLeavesOthersNodesAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/app/config", `{"id":"x","host":"h","pid":1}`)
		e := lock.NewOneNode(p.Manager, "/app/config")
		asked, err := e.Revoke(w.Context())
		require.ErrorIs(t, err, session.ErrNotEphemeral)
		require.ErrorContains(t, err, "revoke /app/config")
		require.Empty(t, asked)
		require.Equal(t, `{"id":"x","host":"h","pid":1}`, w.Data("/app/config"))
		holders, err := e.Holders(w.Context())
		require.ErrorIs(t, err, session.ErrNotEphemeral)
		require.Empty(t, holders, "a persistent node holds nothing")

		// An instance of a service is ephemeral, and not a lock.
		_, err = p.Create(w.Context(), "/app/orders-7", []byte(`{"name":"orders","id":"orders-7"}`), session.Ephemeral)
		require.NoError(t, err)
		// A visit of a barrier and a claim on an item say whose they are, as a lock does.
		// The owners of a permit and of a call for a job read no requests.
		const guid = "_c_0c42bf25-0f3d-4b3c-9d0c-6f2f3f4a5b6c-"
		for path, data := range map[string]string{
			"/app/" + guid + "lease-0000000000": `{"id":"x","host":"h","pid":1}`, "/app/" + guid + "once-0000000000": `{"id":"x","host":"h","pid":1}`,
			"/app/visit": `{"id":"x","host":"h","pid":1,"visit":"v"}`, "/app/claim": `{"id":"x","host":"h","pid":1,"claim":"c"}`,
		} {
			_, err = p.Create(w.Context(), path, []byte(data), session.Ephemeral)
			require.NoError(t, err)
			require.ErrorIs(t, lock.Revoke(w.Context(), p.Manager, path), session.ErrForeign)
			require.Equal(t, data, w.Data(path))
		}
		for _, revoke := range []func() error{
			func() error { return lock.Revoke(w.Context(), p.Manager, "/app/orders-7") },
			func() error { _, err := lock.NewOneNode(p.Manager, "/app/orders-7").Revoke(w.Context()); return err },
		} {
			err = revoke()
			require.ErrorIs(t, err, session.ErrForeign)
			require.ErrorContains(t, err, "session 0x")
			require.Equal(t, `{"name":"orders","id":"orders-7"}`, w.Data("/app/orders-7"))
		}
	})
}

// Among the znodes of a queue is a persistent one: it is left alone, and the
// holders are still asked.
func TestFault56_RevokeBesideAPersistentNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		m := lock.NewRWMutex(p.Manager, dir)
		h, err := m.RLock(w.Context())
		require.NoError(t, err)
		w.Put(dir+"/_c_0-__READ__-000000001", "mine") // before all others
		time.Sleep(time.Second)                       // the hold is watched by now
		asked, err := m.Revoke(w.Context())
		require.ErrorIs(t, err, session.ErrNotEphemeral)
		require.Len(t, asked, 1)
		require.Equal(t, h.Path(), asked[0].Path)
		require.True(t, isClosed(h.Revoked()))
		require.Equal(t, "mine", w.Data(dir+"/_c_0-__READ__-000000001"))
	})
}

// The server that Revoke asks has not heard yet that the lock is held.
func TestFault53_RevokeOnAServerThatLags(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		w.Srv.Lag(q.Current().ID())
		h, err := lock.NewMutex(p.Manager, dir).Lock(w.Context())
		require.NoError(t, err)
		require.NoError(t, lock.Revoke(w.Context(), q.Manager, h.Path()))
		require.Equal(t, "__REVOKE__", w.Data(h.Path()))

		w.Srv.Lag(q.Current().ID())
		require.NoError(t, h.Release())
		h, err = lock.NewMutex(p.Manager, dir).Lock(w.Context())
		require.NoError(t, err)
		asked, err := lock.NewMutex(q.Manager, dir).Revoke(w.Context())
		require.NoError(t, err)
		require.Len(t, asked, 1)
		require.Equal(t, h.Path(), asked[0].Path)
	})
}
