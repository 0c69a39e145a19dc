package barrier_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// A stranger's znode below "ready" keeps the round from ending. The errors name
// "ready", and not the directory, which always has children.
func TestDouble_readyWithChildren(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		check := func(err error) {
			w.Helper()
			require.ErrorIs(w, err, session.ErrForeign)
			require.ErrorIs(w, err, session.ErrNotEmpty)
			require.ErrorContains(w, err, dir+"/ready has children, so its round cannot end")
		}
		p := w.Process()
		v, err := barrier.NewDouble(p.Manager, dir, 1).Enter(w.Context())
		require.NoError(w, err)
		w.Put(dir+"/ready/stranger", "")
		check(v.Leave(w.Within(time.Minute)))
		_, err = barrier.NewDouble(p.Manager, dir, 1).Enter(w.Within(time.Minute))
		check(err)
		w.Remove(dir + "/ready/stranger")
		v, err = barrier.NewDouble(p.Manager, dir, 1).Enter(w.Within(time.Minute))
		require.NoError(w, err)
		require.NoError(w, v.Leave(w.Within(time.Minute)))

		w.Put(dir+"/ready", "") // of another library, without names
		w.Put(dir+"/ready/stranger", "")
		_, err = barrier.NewDouble(p.Manager, dir, 1).Enter(w.Within(time.Minute))
		check(err)
	})
}
