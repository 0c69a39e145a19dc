package groupmembership_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
)

// An administrator takes the right to read a member's node from its session,
// and deletes the node. No server tells the session. It joins again soon.
func TestUnseenDeletionOfAMember(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		p := w.Process()
		m := join(p, "host-7", "load 1")
		time.Sleep(time.Hour)
		p.RemoveHidden()
		time.Sleep(75 * time.Second)
		require.True(w, m.State().In)
		require.Equal(w, "host-7=load 1", list(w.Process()))
	})
}
