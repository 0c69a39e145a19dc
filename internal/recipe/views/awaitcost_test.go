package views

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// Await reads what the events say, and nothing else. This holds for a write of
// the tree's own session, and for the proof that a quorum supports a new
// connection.
func TestTreeAsksForNothingWithoutNeed(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/d/a", "0")
		w.Put("/e", "0")
		p := w.Process()
		tree := openTree(p, TreeConfig{Path: "/d"})
		time.Sleep(time.Second)
		await := func(path string) {
			stat, err := p.Set(w.Context(), path, []byte("1"), core.AnyVersion)
			require.NoError(w, err)
			require.NoError(w, tree.Await(w.Context(), p.Current(), stat.Mzxid))
		}
		w.Costs([]testworld.Step{
			{Name: "a write elsewhere", Want: testworld.Counts{"setData": 1}, Do: func() { await("/e") }},
			{Name: "a write in the tree", Want: testworld.Counts{"setData": 1, "multiRead": 1}, Do: func() {
				await("/d/a")
				require.Equal(w, "1", string(tree.Load().Get("a").Data))
			}},
			// The check proves that a quorum stands behind the connection.
			{Name: "a reconnection", Want: testworld.Counts{"connect": 1, "setWatches2": 1, "multi": 1, "multiRead": 2}, Do: func() {
				p.Link.Disconnect()
				time.Sleep(5 * time.Second)
				require.False(w, tree.Stale())
			}},
			{Name: "another Await of the session", Do: func() { require.NoError(w, tree.Await(w.Context(), p.Current(), 0)) }},
		})
	})
}
