package barrier_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// The znode of another recipe is neither waited for nor reported as closed. Set
// rejects it too.
func TestGateAtTheZnodeOfAnotherRecipe(t *testing.T) {
	for name, put := range map[string]func(w *testworld.World){
		"a directory": func(w *testworld.World) { w.Put(gate+"/x-latch-0000000000", "") },
		"an ephemeral znode": func(w *testworld.World) {
			_, err := w.Process().Manager.Create(w.Context(), gate, nil, session.Ephemeral)
			require.NoError(w, err)
		},
	} {
		testworld.Run(t, func(w *testworld.World) {
			w.Put("/barriers", "")
			put(w)
			p := w.Process()
			require.ErrorIs(w, barrier.New(p.Manager, gate).Set(w.Context()), session.ErrForeign, name)
			c := wait(p)
			require.False(w, c.Waiting(), name)
			_, err := c.Result()
			require.ErrorIs(w, err, session.ErrForeign, name)
			set, err := barrier.New(p.Manager, gate).IsSet(w.Context())
			require.ErrorIs(w, err, session.ErrForeign, name)
			require.False(w, set, name)
			time.Sleep(time.Minute)
			require.Zero(w, w.Srv.WatchesOf(gate), name)
		})
	}
}

// A znode that shows no recipe is a closed gate, as it is for Curator and kazoo.
// Set leaves it alone.
func TestGateOfAnyData(t *testing.T) {
	for name, put := range map[string]func(w *testworld.World){
		"a directory that is empty": func(w *testworld.World) { w.Put(gate+"/x", ""); w.Remove(gate + "/x") },
		"data of a program":         func(w *testworld.World) { w.Put(gate, "value") },
		"a key that was overwritten": func(w *testworld.World) {
			w.Put(gate, "")
			w.Put(gate, "")
		},
	} {
		testworld.Run(t, func(w *testworld.World) {
			w.Put("/barriers", "")
			put(w)
			p := w.Process()
			require.ErrorIs(w, barrier.New(p.Manager, gate).Set(w.Context()), session.ErrForeign, name)
			set, err := barrier.New(p.Manager, gate).IsSet(w.Context())
			require.NoError(w, err, name)
			require.True(w, set, name)
			c := wait(p)
			require.True(w, c.Waiting(), name)
			w.Remove(gate)
			_, err = c.Result()
			require.NoError(w, err, name)
		})
	}
}
