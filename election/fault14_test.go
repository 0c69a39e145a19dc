package election_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// Elections that are over leave no watch on the server, on whatever nodes their
// candidates waited for.
func TestFault14_UsedElectionsLeaveNoWatch(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		before := w.Srv.Watches()
		for i := range 1000 {
			e := election.New(p.Manager, fmt.Sprintf("/elections/e%d", i))
			ctx, cancel := context.WithCancel(w.Context())
			require.ErrorIs(t, e.Run(ctx, func(context.Context, *election.Term) error {
				cancel()
				return context.Canceled
			}), context.Canceled)
		}
		w.WatchesGone(before)
	})
}
