package core_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// If the hold itself deletes its node in a transaction, that does not count as
// a stranger's deletion.
func TestReleaseBy(t *testing.T) {
	inWorld(t, func(w *world) {
		rec := new(record)
		p := w.process(rec.hook)
		h := p.enter("/locks/a")
		calls := 0
		remove := func(lost error) error {
			if lost != nil {
				require.ErrorIs(w, lost, core.ErrLost)
				return errors.New("nothing was removed")
			}
			calls++
			require.ErrorIs(w, h.Err(), core.ErrReleased, "the context has ended before anything is sent")
			_, err := h.Session().Txn(w.Context(), core.DeleteOp(h.Path(), core.AnyVersion),
				core.CreateOp("/done", nil, core.Persistent))
			return err
		}
		require.NoError(w, h.ReleaseBy(remove))
		require.NoError(w, h.ReleaseBy(remove))
		require.NoError(w, h.Release())
		require.Equal(w, 1, calls)
		require.ErrorIs(w, h.Err(), core.ErrReleased)
		require.Empty(w, w.standing("/locks/a"))

		broken := errors.New("broken")
		h = p.enter("/locks/a")
		require.ErrorIs(w, h.ReleaseBy(func(error) error { return broken }), broken)
		require.ErrorIs(w, h.Release(), broken, "all calls return the same")

		h = p.enter("/locks/a")
		w.Srv.Expire(h.Session().ID())
		<-h.Done()
		err := h.ReleaseBy(remove)
		require.ErrorIs(w, err, core.ErrLost)
		require.ErrorContains(w, err, "nothing was removed")
		require.Equal(w, 1, calls, "what it stood for may be another's")

		h = p.enter("/locks/a")
		_, err = h.Node().Watch(w.Context())
		require.NoError(w, err)
		require.NoError(w, w.Srv.Remove(h.Path()))
		<-h.Done()
		require.ErrorIs(w, h.ReleaseBy(func(error) error {
			require.Fail(w, "it is called, although the znode has gone")
			return nil
		}), core.ErrDeleted)
	})
}

func TestGuardOp(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		require.NoError(w, w.Srv.Put("/owned", nil))
		create := core.CreateOp("/a", nil, core.Persistent)
		_, err := p.Txn(w.Context(), create, core.GuardOp("/owned", 3))
		require.ErrorIs(w, err, core.ErrLost)
		require.ErrorIs(w, err, zk.ErrBadVersion)
		index, ok := core.RefusedOp(err)
		require.True(w, ok)
		require.Equal(w, 1, index)
		_, err = p.Txn(w.Context(), core.GuardOp("/owned", 0), create)
		require.NoError(w, err)
		_, ok = core.RefusedOp(errors.New("another"))
		require.False(w, ok)
	})
}

// Until the watch of a hold is set, the hold costs no request. A deletion is
// noticed then.
func TestHoldWatched(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s, err := p.Session(w.Context())
		require.NoError(w, err)
		for _, lasts := range []time.Duration{time.Second / 2, 2 * time.Second} {
			path, err := s.Create(w.Context(), "/claim", nil, core.Ephemeral)
			require.NoError(w, err)
			n, err := s.Own(path)
			require.NoError(w, err)
			w.Srv.ResetCounts()
			h, err := n.HoldWatched(w.Context(), 1, time.Second)
			require.NoError(w, err)
			time.Sleep(lasts)
			synctest.Wait()
			require.Equal(w, int(lasts/time.Second)/2, w.Srv.Count(zktest.OpGetData))
			if lasts > time.Second {
				require.NoError(w, w.Srv.Remove(path))
				<-h.Done()
				require.ErrorIs(w, h.Err(), core.ErrDeleted)
				continue
			}
			require.NoError(w, h.Release())
			time.Sleep(time.Second)
			require.Zero(w, w.Srv.Count(zktest.OpGetData))
		}
	})
}
