package inspect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The first child of a znode is a change, whether the znode has data or not.
// The watches of exists and get report no children.
func TestWatch_firstChild(t *testing.T) {
	testworld.EachRelease(t, func(w *testworld.World, _ zktest.Release) {
		a, b := w.Process(), w.Process()
		w.Put("/empty", "")
		w.Put("/key", "value")
		w.Put("/parts/claims", "3")
		w.Put("/parts/members", "")
		next, quiet, _ := follow(w, b, "/")
		require.Equal(w, []string{"plain /", "plain /empty", "config /key", "partitioner /parts"}, kinds(next().Report))
		require.True(w, quiet())

		m, err := groupmembership.NewGroup(a.Manager, "/empty").Join(w.Context(), "ann", nil)
		require.NoError(w, err)
		require.Len(w, at[*Group](w, next().Report, "/empty").Members, 1)
		w.Put("/key/below", "x")
		at[*ConfigKey](w, next().Report, "/key/below")
		_, err = a.Create(w.Context(), "/parts/claims/0", []byte("ann"), session.Ephemeral)
		require.NoError(w, err)
		require.Len(w, at[*Partitioner](w, next().Report, "/parts").Claims, 1)
		require.NoError(w, m.Leave(w.Context()))
		at[*Plain](w, next().Report, "/empty")
		require.True(w, quiet())
	})
}

// A znode that may not be listed gets its first child without an event. So
// Changes reads again every minute.
func TestWatch_firstChildOfAHiddenNode(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		_, err := owner.Create(w.Context(), "/hidden", nil, session.Persistent)
		require.NoError(w, err)
		p := w.Process()
		next, _, _ := follow(w, p, "/hidden")
		first := next()
		require.NoError(w, first.err)
		_, err = owner.Create(w.Context(), "/hidden/child", nil, session.Persistent)
		require.NoError(w, err)
		if first.Findings[0].Head().Kind == KindPlain && len(first.Hidden()) == 0 { // its stat is known, and tells of the child
			require.Equal(w, 1, next().Findings[0].Head().Children)
		}
	})
}
