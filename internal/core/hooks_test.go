package core_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// waits is a hook that collects waits.
type waits struct {
	begun []core.WaitInfo
	ended []core.WaitEnd
	from  context.Context
}

func (h *waits) OnWait(ctx context.Context, w core.WaitInfo) func(core.WaitEnd) {
	h.begun, h.from = append(h.begun, w), ctx
	return func(end core.WaitEnd) { h.ended = append(h.ended, end) }
}

// deaf is a hook that does not want to know how a wait ends.
type deaf struct{ calls int }

func (h *deaf) OnWait(context.Context, core.WaitInfo) func(core.WaitEnd) {
	h.calls++
	return nil
}

type mark struct{}

func TestWaiting(t *testing.T) {
	inWorld(t, func(w *world) {
		h, d := new(waits), new(deaf)
		p := w.process(func(cfg *core.Config) { cfg.Hooks = []core.Hook{new(record), h, d} })
		ctx := context.WithValue(w.Context(), mark{}, "the caller's")
		over := p.Waiting(ctx, "/locks/a", true)
		require.Equal(w, []core.WaitInfo{{Path: "/locks/a", Try: true}}, h.begun)
		require.Equal(w, "the caller's", h.from.Value(mark{}))
		require.Empty(w, h.ended)
		time.Sleep(time.Minute)
		broken := errors.New("broken")
		over(nil, broken)
		require.Equal(w, []core.WaitEnd{{Waited: time.Minute, Err: broken}}, h.ended)
		hold := p.enter("/locks/a")
		p.Waiting(ctx, "/locks/a", false)(hold, nil)
		require.Same(w, hold, h.ended[1].Hold)
		require.Equal(w, 2, d.calls)
	})
}

// Without a hook, a wait costs nothing.
func TestWaitingCostsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		for name, hooks := range map[string][]core.Hook{"no hook": nil, "others": {new(record)}} {
			p := w.process(func(cfg *core.Config) { cfg.Hooks = hooks })
			ctx := w.Context()
			require.Zero(w, testing.AllocsPerRun(1000, func() { p.Waiting(ctx, "/locks/a", false)(nil, nil) }), name)
		}
	})
}

func BenchmarkWaiting(b *testing.B) {
	for name, hooks := range map[string][]core.Hook{"no hook": nil, "observed": {new(deaf)}} {
		b.Run(name, func(b *testing.B) {
			sm, err := core.Start(core.Config{Servers: []string{"127.0.0.1:1"}, Hooks: hooks})
			require.NoError(b, err)
			defer sm.Close()
			b.ReportAllocs()
			for b.Loop() {
				sm.Waiting(b.Context(), "/locks/a", false)(nil, nil)
			}
		})
	}
}
