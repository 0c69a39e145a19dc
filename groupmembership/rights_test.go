package groupmembership_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testworld"
)

// A member that may not be read is a member, and the others are described.
func TestFault38_HiddenMember(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/group", "")
		p := w.Process()
		secret, err := groupmembership.New(owner.Manager, "/group").Join(w.Context(), "a", []byte("secret"))
		require.NoError(w, err)
		defer secret.Leave()
		g := groupmembership.New(p.Manager, "/group")
		open, err := g.Join(w.Context(), "b", []byte("open"))
		require.NoError(w, err)
		defer open.Leave()
		w.Put("/group/persistent", "")
		members, err := g.Members(w.Context())
		require.NoError(w, err)
		require.Len(w, members, 2)
		require.Equal(w, "a", members[0].ID)
		require.True(w, members[0].Hidden)
		require.Empty(w, members[0].Payload)
		require.Equal(w, "open", string(members[1].Payload))
	})
}
