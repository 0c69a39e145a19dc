package session_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// hookFunc is a hook of requests and acquisitions.
type hookFunc struct {
	op       func(session.OpInfo)
	acquired func(session.HoldInfo)
}

func (h *hookFunc) OnOp(o session.OpInfo) {
	if h.op != nil {
		h.op(o)
	}
}

func (h *hookFunc) OnAcquired(i session.HoldInfo) {
	if h.acquired != nil {
		h.acquired(i)
	}
}

// A hook that is told of the request of a Release may release the same hold:
// both calls return when the grace period is over, with one result.
func TestFault58_HookReleasesTheHoldWhoseReleaseRunsIt(t *testing.T) {
	inWorld(t, func(w *world) {
		inner := make(chan error, 1)
		h := &hookFunc{}
		p := w.process(func(cfg *session.Config) { cfg.Hooks = []session.Hook{h} })
		hold := p.enter("/locks/a")
		h.op = func(o session.OpInfo) {
			if o.Path == hold.Path() {
				inner <- hold.Release()
			}
		}
		began := time.Now()
		require.NoError(w, hold.Release())
		require.NoError(w, <-inner)
		require.Equal(w, time.Second, time.Since(began))
		require.Empty(w, w.standing("/locks/a"))
	})
}

// Two holds, each released by the hook that hears of the other's release.
func TestFault58_HooksReleaseEachOthersHold(t *testing.T) {
	inWorld(t, func(w *world) {
		h := &hookFunc{}
		p := w.process(func(cfg *session.Config) { cfg.Hooks = []session.Hook{h} })
		a, b := p.enter("/locks/a"), p.enter("/locks/b")
		inner := make(chan error, 2)
		h.op = func(o session.OpInfo) {
			switch o.Path {
			case a.Path():
				inner <- b.Release()
			case b.Path():
				inner <- a.Release()
			}
		}
		outer := make(chan error, 1)
		w.Cleanup(w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpDelete {
				return zktest.Delay(time.Second)
			}
			return zktest.Pass
		}))
		go func() { outer <- a.Release() }()
		require.NoError(w, b.Release())
		for _, c := range []chan error{outer, inner, inner} {
			require.NoError(w, <-c)
		}
	})
}

// A hook that is told of a hold that was handed on may release the hold before it.
func TestFault58_HookReleasesTheHoldThatIsHandedOn(t *testing.T) {
	inWorld(t, func(w *world) {
		h := &hookFunc{}
		p := w.process(func(cfg *session.Config) { cfg.Hooks = []session.Hook{h} })
		hold := p.enter("/locks/a")
		inner := make(chan error, 1)
		h.acquired = func(session.HoldInfo) { inner <- hold.Release() }
		next, err := hold.HandOn()
		require.NoError(w, err)
		require.NoError(w, <-inner)
		require.NoError(w, next.Err())
		require.NoError(w, next.Release())
	})
}
