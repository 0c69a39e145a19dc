package counter_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// closeOnOp closes a sequence from the hook of a request.
type closeOnOp struct {
	seq  atomic.Pointer[counter.Sequence]
	took chan time.Duration
}

func (h *closeOnOp) OnOp(session.OpInfo) {
	if s := h.seq.Swap(nil); s != nil {
		start := time.Now()
		_ = s.Close() // always nil
		h.took <- time.Since(start)
	}
}

// A hook that hears of a request of the sequence's own may close it.
func TestFault16_CloseInsideAHook(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		h := &closeOnOp{took: make(chan time.Duration, 1)}
		p := w.Process(func(cfg *session.Config) { cfg.Hooks = []session.Hook{h} })
		s := sequence(p)
		h.seq.Store(s)
		_, err := s.Next(w.Within(time.Hour))
		require.ErrorIs(t, err, session.ErrClosed)
		require.LessOrEqual(t, <-h.took, 2*time.Second)
	})
}
