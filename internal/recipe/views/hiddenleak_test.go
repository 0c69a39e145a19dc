package views

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
)

// A node becomes hidden, and the session notices it by a check. The watch that
// the server still has is removed after Close.
func TestWatchOfAHiddenNodeIsTakenBack(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/d/a", "0")
		p := w.Process(testworld.Guest)
		m, err := Open(w.Context(), p.Core(), Config{Path: "/d/a"})
		require.NoError(w, err)
		w.Shut("/d/a")
		time.Sleep(10 * time.Minute)
		require.Error(w, m.Load().Err)
		m.Close()
		time.Sleep(10 * time.Minute)
		require.Zero(w, w.Srv.Watches())
	})
}
