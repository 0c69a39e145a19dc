package inspect_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
)

// One node that may not be read hides itself, and nothing else.
func TestFault38_HiddenNodesAmongOthers(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		for _, dir := range []string{"/locks/m", "/election", "/group", "/app"} {
			w.Put(dir, "")
		}
		p := w.Process()
		secret := func(err error) { require.NoError(w, err) }
		held, err := lock.NewMutex(owner.Manager, "/locks/m").Lock(w.Context())
		secret(err)
		testworld.Go(w, lock.NewMutex(p.Manager, "/locks/m", lock.ID("open")).Lock)
		_, err = election.New(owner.Manager, "/election").Campaign(w.Context())
		secret(err)
		a, err := groupmembership.NewGroup(owner.Manager, "/group").Join(w.Context(), "a", nil)
		secret(err)
		defer a.Leave(context.Background())
		b, err := groupmembership.NewGroup(p.Manager, "/group").Join(w.Context(), "b", nil)
		secret(err)
		defer b.Leave(context.Background())
		_, err = config.NewStore(owner.Manager, "/app").Create(w.Context(), "secret", []byte("x"))
		secret(err)
		_, err = config.NewStore(p.Manager, "/app").Create(w.Context(), "open", []byte("y"))
		secret(err)

		r, err := inspect.Read(w.Context(), p.Manager, "/")
		require.NoError(w, err)
		found := make(map[string]inspect.Finding)
		for _, f := range r.Findings {
			if f.Head().Kind != inspect.KindHidden {
				found[f.Head().Path] = f
			}
			require.Empty(w, f.Head().Abandoned)
		}
		m, ok := found["/locks/m"].(*inspect.Lock)
		require.True(w, ok)
		require.True(w, m.Holder.Hidden)
		require.Equal(w, held.Path(), m.Holder.Path)
		require.Equal(w, "open", m.Waiters[0].ID)
		e, ok := found["/election"].(*inspect.Election)
		require.True(w, ok)
		require.True(w, e.Leader.Hidden)
		g, ok := found["/group"].(*inspect.Group)
		require.True(w, ok)
		require.Len(w, g.Members, 2)
		require.IsType(w, &inspect.ConfigKey{}, found["/app/open"])
		var hidden []string
		for _, f := range r.Hidden() {
			hidden = append(hidden, f.Path)
		}
		require.Contains(w, hidden, "/app/secret")
	})
}
