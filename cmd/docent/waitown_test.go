package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/queue"
)

// What the waiting command has begun itself is no obstacle: a look at the end of
// --wait may see it before the command has its answer.
func TestWait_ownIsNoObstacle(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		ours, other := w.Process().Manager, w.Process().Manager

		_, err := lock.NewOnce(ours, "/j", time.Hour).Start(w.Context())
		require.NoError(w, err)
		_, obstacle, err := othersRun(w.Context(), ours, lock.NewOnce(ours, "/j", time.Hour))
		require.NoError(w, err)
		require.Empty(w, obstacle)
		_, obstacle, err = othersRun(w.Context(), other, lock.NewOnce(other, "/j", time.Hour))
		require.NoError(w, err)
		require.Equal(w, "a run is under way", obstacle)

		_, err = queue.New(ours, "/q").Put(w.Context(), []byte("item"))
		require.NoError(w, err)
		_, err = queue.New(ours, "/q").Take(w.Context())
		require.NoError(w, err)
		obstacle, err = nothingReady(w.Context(), ours, queue.New(ours, "/q"))
		require.NoError(w, err)
		require.Empty(w, obstacle)
		obstacle, err = nothingReady(w.Context(), other, queue.New(other, "/q"))
		require.NoError(w, err)
		require.Equal(w, "no item is ready", obstacle)
	})
}
