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

// A rendezvous at a path that another recipe uses: the error names the recipe.
func TestDouble_namesWhatIsThere(t *testing.T) {
	for data, what := range map[string]string{
		`{"host":"h","pid":7}`: "it is a gate",
		`{"once":"never"}`:     "it is the record of a job",
		"9":                    "1 bytes of data, like a config key",
	} {
		testworld.Run(t, func(w *testworld.World) {
			w.Put(dir, data)
			_, err := barrier.NewDouble(w.Process().Manager, dir, 1).Enter(w.Within(time.Minute))
			require.ErrorIs(w, err, session.ErrForeign)
			require.ErrorContains(w, err, what)
			require.Equal(w, data, w.Data(dir))
		})
	}
}
