package core_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

func TestHandOn(t *testing.T) {
	inWorld(t, func(w *world) {
		rec := new(record)
		p := w.process(rec.hook)
		first := p.enter("/locks/a")
		synctest.Wait()
		w.Srv.ResetCounts()
		second, err := first.HandOn()
		require.NoError(w, err)
		require.ErrorIs(w, first.Err(), core.ErrReleased)
		require.NoError(w, second.Err())
		require.Equal(w, first.Token(), second.Token())
		require.Equal(w, first.Path(), second.Path())
		require.NoError(w, first.Release(), "late, and of no effect")
		require.NoError(w, second.Err())
		for range 2 {
			_, err = first.HandOn()
			require.ErrorIs(w, err, core.ErrReleased)
		}
		synctest.Wait()
		for _, op := range []zktest.Op{zktest.OpCreate, zktest.OpDelete, zktest.OpGetData} {
			require.Zero(w, w.Srv.Count(op), "%v", op)
		}
		require.NoError(w, second.Release())
		require.Empty(w, w.standing("/locks/a"))
		synctest.Wait()
		rec.mu.Lock()
		defer rec.mu.Unlock()
		require.Len(w, rec.begun, 2)
		require.Len(w, rec.ended, 2)
	})
}

// After HandOn, the end of the node ends the next hold.
func TestHandOnAndLoss(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		first := p.enter("/locks/a")
		second, err := first.HandOn()
		require.NoError(w, err)
		require.NoError(w, w.Srv.Put(first.Path(), []byte("written"))) // uses the watch up
		synctest.Wait()
		third, err := second.HandOn()
		require.NoError(w, err)
		synctest.Wait()
		require.NoError(w, w.Srv.Remove(first.Path()))
		<-third.Done()
		require.ErrorIs(w, third.Err(), core.ErrDeleted)
		_, err = third.HandOn()
		require.ErrorIs(w, err, core.ErrDeleted)
		require.ErrorIs(w, third.Release(), core.ErrLost)
		require.NoError(w, second.Release())
	})
}

// TestFault05_HandOnOfAGuardedHold: a check of the node could not tell the next
// hold from a hold with a guard.
func TestFault05_HandOnOfAGuardedHold(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		first := p.enter("/locks/a")
		guard := first.Guard()
		_, err := first.HandOn()
		require.ErrorIs(w, err, core.ErrGuarded)
		require.NoError(w, first.Err())
		_, err = p.Txn(w.Context(), guard, core.CreateOp("/row", nil, core.Persistent))
		require.NoError(w, err)
		require.NoError(w, first.Release())

		first = p.enter("/locks/a")
		second, err := first.HandOn()
		require.NoError(w, err)
		_, err = p.Txn(w.Context(), first.Guard())
		require.ErrorIs(w, err, core.ErrLost)
		require.ErrorIs(w, err, core.ErrReleased)
		_, err = p.Txn(w.Context(), second.Guard())
		require.NoError(w, err)
	})
}

// TestFault05_AFixedPathHasNoGuard: another session's node may take the path.
func TestFault05_AFixedPathHasNoGuard(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		_, err := p.session().Create(w.Context(), "/fixed", nil, core.Ephemeral)
		require.NoError(w, err)
		node, err := p.session().Own("/fixed")
		require.NoError(w, err)
		h, err := node.Hold(w.Context(), 1)
		require.NoError(w, err)
		_, err = p.Txn(w.Context(), h.Guard())
		require.ErrorIs(w, err, core.ErrNoGuard)
		require.NoError(w, h.Release())
	})
}
