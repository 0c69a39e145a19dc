package core_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// hookFunc is a hook of requests and acquisitions.
type hookFunc struct {
	op       func(core.OpInfo)
	acquired func(core.HoldInfo)
}

func (h *hookFunc) OnOp(o core.OpInfo) {
	if h.op != nil {
		h.op(o)
	}
}

func (h *hookFunc) OnAcquired(i core.HoldInfo) {
	if h.acquired != nil {
		h.acquired(i)
	}
}

// A hook that gets the request of a Release may release the same hold. Both
// calls return after the grace period, with one result.
func TestFault58_HookReleasesTheHoldWhoseReleaseRunsIt(t *testing.T) {
	inWorld(t, func(w *world) {
		inner := make(chan error, 1)
		h := &hookFunc{}
		p := w.process(func(cfg *core.Config) { cfg.Hooks = []core.Hook{h} })
		hold := p.enter("/locks/a")
		h.op = func(o core.OpInfo) {
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

// Two holds, each released by the hook that gets the other's release.
func TestFault58_HooksReleaseEachOthersHold(t *testing.T) {
	inWorld(t, func(w *world) {
		h := &hookFunc{}
		p := w.process(func(cfg *core.Config) { cfg.Hooks = []core.Hook{h} })
		a, b := p.enter("/locks/a"), p.enter("/locks/b")
		inner := make(chan error, 2)
		h.op = func(o core.OpInfo) {
			switch o.Path {
			case a.Path():
				inner <- b.Release()
			case b.Path():
				inner <- a.Release()
			}
		}
		outer := make(chan error, 1)
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
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

// A hook that gets a handed-on hold may release the hold before it.
func TestFault58_HookReleasesTheHoldThatIsHandedOn(t *testing.T) {
	inWorld(t, func(w *world) {
		h := &hookFunc{}
		p := w.process(func(cfg *core.Config) { cfg.Hooks = []core.Hook{h} })
		hold := p.enter("/locks/a")
		inner := make(chan error, 1)
		h.acquired = func(core.HoldInfo) { inner <- hold.Release() }
		next, err := hold.HandOn()
		require.NoError(w, err)
		require.NoError(w, <-inner)
		require.NoError(w, next.Err())
		require.NoError(w, next.Release())
	})
}
