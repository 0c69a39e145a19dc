package groupmembership_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

func TestFault58_ConcurrentLeaves(t *testing.T) {
	testworld.EachEnd(t, func(w *testworld.World, p *testworld.Process, end func()) {
		m, err := groupmembership.NewGroup(p.Manager, "/group").Join(w.Context(), "a", nil)
		require.NoError(w, err)
		for _, err := range w.Twice(func() error { return m.Leave(context.Background()) }, end, func() { _ = m.UpdatePayload(w.Within(time.Minute), []byte("x")) }) {
			require.NoError(w, err)
		}
		<-m.Done()
		time.Sleep(time.Minute) // a server that is cut off ends the session later
		require.Empty(w, w.Children("/group"))
	})
}

// A partition is released by its function, twice at once, while the run ends.
func TestFault58_ConcurrentReleasesOfAPartition(t *testing.T) {
	testworld.EachEnd(t, func(w *testworld.World, p *testworld.Process, end func()) {
		ctx, cancel := context.WithCancel(w.Context())
		begun := make(chan *groupmembership.Partition, 1)
		run := make(chan error, 1)
		go func() {
			run <- groupmembership.NewPartitioner(p.Manager, "/parts", 1).Run(ctx, "a",
				func(ctx context.Context, part *groupmembership.Partition) error {
					select {
					case begun <- part:
					default:
					}
					<-ctx.Done()
					return nil
				})
		}()
		part := <-begun
		errs := w.Twice(part.Release, end, cancel)
		require.Equal(w, errs[0], errs[1])
		require.Error(w, part.Err())
		if err := <-run; !errors.Is(err, session.ErrClosed) && !errors.Is(err, context.Canceled) {
			require.NoError(w, err)
		}
	})
}

// A hook may call Leave when it gets the request with which the member leaves.
func TestFault58_HookLeavesTheGroupThatIsLeft(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		h := &leaveOnOp{left: make(chan error, 1)}
		p := w.Process(func(cfg *session.Config) { cfg.Hooks = []session.Hook{h} })
		m, err := groupmembership.NewGroup(p.Manager, "/group").Join(w.Context(), "a", nil)
		require.NoError(w, err)
		h.m.Store(m)
		require.NoError(w, m.Leave(context.Background()))
		require.NoError(w, <-h.left)
		require.Empty(w, w.Children("/group"))
	})
}

type leaveOnOp struct {
	m    atomic.Pointer[groupmembership.Membership]
	left chan error
}

func (h *leaveOnOp) OnOp(session.OpInfo) {
	if m := h.m.Swap(nil); m != nil {
		h.left <- m.Leave(context.Background())
	}
}
