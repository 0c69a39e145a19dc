package core_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

func TestHoldEndsWithRelease(t *testing.T) {
	inWorld(t, func(w *world) {
		rec := new(record)
		p := w.process(rec.hook)
		h := p.enter("/locks/a")
		time.Sleep(time.Minute)
		require.NoError(w, h.Err())
		require.NoError(w, h.Context().Err())
		require.NoError(w, h.Release())
		require.ErrorIs(w, h.Err(), core.ErrReleased)
		require.ErrorIs(w, context.Cause(h.Context()), core.ErrReleased)
		require.NotErrorIs(w, h.Err(), core.ErrLost)
		require.Empty(w, w.standing("/locks/a"), "the node is gone when Release returns")
		synctest.Wait()
		rec.mu.Lock()
		defer rec.mu.Unlock()
		require.Len(w, rec.begun, 1)
		require.Len(w, rec.ended, 1)
		require.Equal(w, time.Minute, rec.ended[0].Held)
		require.Equal(w, h.Token(), rec.ended[0].Token)
	})
}

// A process that continues after a pause may use a hold before the timer of the
// deadline fires. The hold was lost all the same: another client may have held.
func TestReleaseAfterAPause(t *testing.T) {
	for name, end := range map[string]func(*core.Hold) error{
		"Release": (*core.Hold).Release,
		"Err":     (*core.Hold).Err,
		"HandOn":  func(h *core.Hold) error { _, err := h.HandOn(); return err },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				rec := new(record)
				h := w.process(rec.hook).enter("/locks/a")
				core.PassDeadline(h.Session())
				require.ErrorIs(w, end(h), core.ErrTrustElapsed)
				require.ErrorIs(w, context.Cause(h.Context()), core.ErrTrustElapsed)
				require.ErrorIs(w, h.Release(), core.ErrLost)
				require.ErrorIs(w, h.Err(), core.ErrTrustElapsed)
				synctest.Wait()
				rec.mu.Lock()
				defer rec.mu.Unlock()
				require.Len(w, rec.begun, 1, "no other hold has begun")
			})
		})
	}
}

// The context ends before the delete is sent, so that no other client can hold
// before its end.
func TestReleaseEndsContextFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpDelete && h.Context().Err() == nil {
				w.Errorf("the delete came while the context lived")
			}
			return zktest.Pass
		}))
		require.NoError(w, h.Release())
	})
}

// Release may be called twice, late, concurrently and after the loss.
func TestReleaseIsIdempotent(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		w.Srv.ResetCounts()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := h.Release(); err != nil {
					w.Errorf("release: %v", err)
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Hour)
		require.NoError(w, h.Release())
		require.Equal(w, 1, w.Srv.Count(zktest.OpDelete))

		h = p.enter("/locks/a")
		require.NoError(w, w.Srv.Remove(h.Path()))
		<-h.Done()
		for range 3 {
			err := h.Release()
			require.ErrorIs(w, err, core.ErrDeleted)
			require.ErrorIs(w, err, core.ErrLost)
		}
		require.Equal(w, 1, w.Srv.Count(zktest.OpDelete), "there was nothing to delete")

		h = p.enter("/locks/a")
		require.NoError(w, p.Close())
		require.ErrorIs(w, h.Release(), core.ErrClosed)
		require.ErrorIs(w, h.Release(), core.ErrLost)
	})
}

// Case 12: the delete of our node fails on release, again and again.
func TestHardCase12_DeleteFailsOnRelease(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		n := 0
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op != zktest.OpDelete {
				return zktest.Pass
			}
			switch n++; {
			case n <= 3:
				return zktest.DropRequest
			case n == 4:
				return zktest.LoseReply // done; the next finds nothing
			}
			return zktest.Pass
		}))
		require.NoError(w, h.Release())
		require.Empty(w, w.standing("/locks/a"))
		require.Equal(w, 5, n)
	})
}

// Case 12, for good: if no server answers, Release returns at the latest at the
// end of the session, which removes the node.
func TestHardCase12_ReleaseWithoutServer(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		time.Sleep(time.Minute)
		p.link.Cut(zktest.Both)
		before := time.Now()
		require.NoError(w, h.Release())
		require.Less(w, time.Since(before), 10*time.Second)
		w.deletedAt(h.Path())
	})
}

// A hold ends when another client deletes its node, however the session learns
// of it.
func TestHoldEndsWhenDeleted(t *testing.T) {
	delete := func(w *world, h *core.Hold) { require.NoError(w, w.Srv.Remove(h.Path())) }
	t.Run("at once", func(t *testing.T) {
		inWorld(t, func(w *world) {
			h := w.process().enter("/locks/a")
			delete(w, h) // before the watch is set
			<-h.Done()
			require.ErrorIs(w, h.Err(), core.ErrDeleted)
		})
	})
	t.Run("later", func(t *testing.T) {
		inWorld(t, func(w *world) {
			h := w.process().enter("/locks/a")
			time.Sleep(time.Minute)
			delete(w, h)
			<-h.Done()
			require.ErrorIs(w, h.Err(), core.ErrDeleted)
		})
	})
	t.Run("after its data changed", func(t *testing.T) {
		inWorld(t, func(w *world) {
			h := w.process().enter("/locks/a")
			for range 10 {
				time.Sleep(time.Second)
				require.NoError(w, w.Srv.Put(h.Path(), []byte("x")))
			}
			time.Sleep(time.Second)
			require.NoError(w, h.Err())
			delete(w, h)
			<-h.Done()
			require.ErrorIs(w, h.Err(), core.ErrDeleted)
		})
	})
	t.Run("while disconnected", func(t *testing.T) {
		inWorld(t, func(w *world) {
			p := w.process()
			h := p.enter("/locks/a")
			time.Sleep(time.Minute)
			p.link.Refuse(true)
			p.link.Disconnect()
			time.Sleep(time.Second)
			delete(w, h)
			p.link.Refuse(false)
			<-h.Done()
			require.ErrorIs(w, h.Err(), core.ErrDeleted)
		})
	})
	t.Run("together with its directory", func(t *testing.T) {
		inWorld(t, func(w *world) {
			h := w.process().enter("/locks/a")
			time.Sleep(time.Minute)
			require.NoError(w, w.Srv.Remove("/locks"))
			<-h.Done()
			require.ErrorIs(w, h.Err(), core.ErrDeleted)
		})
	})
}

func TestGuard(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/row", []byte("v0")))
		p, other := w.process(), w.process()
		h := p.enter("/locks/a")
		_, err := p.Txn(w.Context(), h.Guard(), core.SetOp("/row", []byte("v1"), core.AnyVersion))
		require.NoError(w, err)
		require.NoError(w, w.Srv.Put(h.Path(), []byte("somebody wrote into the node")))
		_, err = other.Txn(w.Context(), h.Guard(), core.SetOp("/row", []byte("v2"), core.AnyVersion))
		require.NoError(w, err, "a guard holds in whatever session it is used")
		require.NoError(w, h.Release())
		_, err = other.Txn(w.Context(), h.Guard(), core.SetOp("/row", []byte("late"), core.AnyVersion))
		require.ErrorIs(w, err, core.ErrLost)
		require.ErrorIs(w, err, zk.ErrNoNode)
		n, _ := w.Srv.Node("/row")
		require.Equal(w, "v2", string(n.Data))
	})
}

// Holds cost the server a node and a watch each, and this process no goroutine.
func TestManyHolds(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		var holds []*core.Hold
		for i := range 1000 {
			e, err := p.session().Enter(w.Context(), "/locks/"+string(rune('a'+i%26)), "lock-", nil)
			require.NoError(w, err)
			h, err := e.Hold(w.Context(), 1)
			require.NoError(w, err)
			holds = append(holds, h)
		}
		time.Sleep(time.Second)
		require.Equal(w, 1000, w.Srv.Watches())
		w.Srv.Expire(p.session().ID())
		for _, h := range holds {
			<-h.Done()
			require.ErrorIs(w, h.Err(), core.ErrLost)
		}
	})
}

// Close ends holds before the server gets the request, and the server deletes
// the nodes at once.
func TestCloseEndsHoldsFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		w.Cleanup(w.Srv.OnChange(func(c zktest.Change) {
			if c.Kind == zktest.Deleted && c.Path == h.Path() && h.Context().Err() == nil {
				w.Errorf("the node went while the context lived")
			}
		}))
		before := time.Now()
		require.NoError(w, p.Close())
		require.NoError(w, p.Close())
		require.ErrorIs(w, h.Err(), core.ErrClosed)
		_, ok := w.deletion(h.Path())
		require.True(w, ok)
		require.Less(w, time.Since(before), 5*time.Second)
		_, err := p.Session(w.Context())
		require.ErrorIs(w, err, core.ErrClosed)
		require.Equal(w, core.Closed, p.State())
	})
}

// Close returns although no server answers.
func TestCloseWithoutServer(t *testing.T) {
	for name, cut := range map[string]func(w *world, p *process){
		"cut off":      func(_ *world, p *process) { p.link.Cut(zktest.Both) },
		"disconnected": func(_ *world, p *process) { p.link.Refuse(true); p.link.Disconnect(); time.Sleep(time.Second) },
		"frozen":       func(w *world, _ *process) { w.Srv.Freeze() },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process()
				h := p.enter("/locks/a")
				time.Sleep(time.Minute)
				cut(w, p)
				before := time.Now()
				require.NoError(w, p.Close())
				require.Less(w, time.Since(before), 20*time.Second)
				require.ErrorIs(w, h.Err(), core.ErrClosed)
				w.Srv.Thaw()
			})
		})
	}
}

// A Close in the middle of a reconnection still closes the session at the
// server: the node is gone at once, and not after the timeout.
func TestCloseWhileDisconnected(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		p.link.Refuse(true)
		p.link.Disconnect()
		synctest.Wait()
		require.Equal(w, core.Suspended, p.State())
		closed := make(chan error, 1)
		go func() { closed <- p.Close() }()
		synctest.Wait()
		require.ErrorIs(w, h.Err(), core.ErrClosed, "the hold ends at once")
		p.link.Refuse(false)
		require.NoError(w, <-closed)
		_, exists := w.Srv.Node(h.Path())
		require.False(w, exists)
	})
}

func TestReleaseErrorNamesTheNode(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/locks/a")
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpDelete {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		}))
		err := h.Release()
		require.ErrorIs(w, err, zk.ErrNoAuth)
		require.ErrorContains(w, err, h.Path())
		var op *core.OpError
		require.True(w, errors.As(err, &op))
	})
}
