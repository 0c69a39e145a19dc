package naming_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// An administrator takes the right to read an instance from the session that registered it,
// and deletes the instance. No server tells the session. It registers again soon.
func TestUnseenDeletionOfAnInstance(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		p := w.Process()
		g := register(p, at("a", "10.0.0.1"))
		time.Sleep(time.Hour)
		p.RemoveHidden()
		time.Sleep(75 * time.Second)
		require.True(w, g.State().In)
		require.Equal(w, "a=10.0.0.1", settled(watch(w.Process())))
	})
}

// The same befalls a worker's number: its hold ends, and another worker may have it.
func TestUnseenDeletionOfAWorker(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		p := w.Process()
		id, err := naming.NewWorkers(p.Manager, "/workers", 1).Acquire(w.Context(), "a")
		require.NoError(w, err)
		time.Sleep(time.Minute)
		p.RemoveHidden()
		_, err = naming.NewWorkers(w.Process(testworld.Reader).Manager, "/workers", 1).Acquire(w.Within(time.Minute), "b")
		require.NoError(w, err)
		w.EndsUnseen(id.Context(), "")
	})
}
