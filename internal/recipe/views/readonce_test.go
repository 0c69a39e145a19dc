package views

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// A write to a node that is read once costs no read. A node that is created
// again is another node. The data of all other nodes is followed.
func TestReadOnce(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/d/once", "1")
		w.Put("/d/often", "1")
		tree := openTree(w.Process(), TreeConfig{Path: "/d", ReadOnce: func(rel string) bool { return rel == "once" }})
		old := settledTree(tree)
		counts := w.Count(func() { w.Put("/d/once", "2"); time.Sleep(time.Second) })
		require.Empty(w, counts)
		require.Equal(w, old, settledTree(tree))
		w.Put("/d/often", "2")
		time.Sleep(time.Second)
		require.Equal(w, "2", string(tree.Load().Get("often").Data))
		require.Equal(w, "1", string(tree.Load().Get("once").Data))
		w.Remove("/d/once")
		w.Put("/d/once", "3")
		time.Sleep(time.Second)
		require.Equal(w, "3", string(tree.Load().Get("once").Data))
	})
}

// During a stream of changes without a calm moment, a state is published after
// the Patience.
func TestPatience(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		_, err := OpenTree(w.Context(), w.Process().Core(), TreeConfig{Path: "/d", Patience: -1})
		require.ErrorContains(w, err, "patience")
		w.Put("/d/a", "0")
		w.Put("/d/b", "0")
		tree := openTree(w.Process(), TreeConfig{Path: "/d", Patience: 1})
		n := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetData && (r.Path == "/d/a" || r.Path == "/d/b") && n < 50 {
				n++
				other := map[string]string{"/d/a": "/d/b", "/d/b": "/d/a"}[r.Path]
				require.NoError(w, w.Srv.Put(other, fmt.Append(nil, n)))
			}
			return zktest.Pass
		})
		w.Put("/d/a", "1")
		last := tree.Load()
		for range 5 {
			start := time.Now()
			<-last.Next()
			last = tree.Load()
			require.True(w, last.Torn)
			require.LessOrEqual(w, time.Since(start), 4*DefaultPause)
		}
	})
}
