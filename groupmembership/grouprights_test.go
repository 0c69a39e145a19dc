package groupmembership_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// A member that may not be read is a member, and the others are described.
func TestFault38_HiddenMember(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/group", "")
		p := w.Process()
		secret, err := groupmembership.NewGroup(owner.Manager, "/group").Join(w.Context(), "a", []byte("secret"))
		require.NoError(w, err)
		defer secret.Leave(context.Background())
		g := groupmembership.NewGroup(p.Manager, "/group")
		open, err := g.Join(w.Context(), "b", []byte("open"))
		require.NoError(w, err)
		defer open.Leave(context.Background())
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

// A member that may not be read is watched like the others, be it there at
// first or later, until it leaves.
func TestFault38_WatchBesideAHiddenMember(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/group", "")
		secret := groupmembership.NewGroup(owner.Manager, "/group")
		first, err := secret.Join(w.Context(), "a", nil)
		require.NoError(w, err)
		var seen []string
		for change, err := range groupmembership.NewGroup(w.Process().Manager, "/group").Changes(w.Within(time.Hour)) {
			if err != nil {
				require.ErrorContains(w, err, "/group/")
				continue
			}
			for _, e := range change.Events {
				require.True(w, e.Member.Hidden)
				seen = append(seen, e.Kind.String()+" "+e.Member.ID)
			}
			switch len(seen) {
			case 1:
				later, err := secret.Join(w.Context(), "b", nil)
				require.NoError(w, err)
				defer later.Leave(context.Background())
			case 2:
				require.NoError(w, first.Leave(context.Background()))
			}
		}
		require.Equal(w, []string{"joined a", "joined b", "left a"}, seen)
	})
}
