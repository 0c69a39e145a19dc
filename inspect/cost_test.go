package inspect

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
)

// One look at a tree with one lock that has a holder and three waiters.
func TestCostsOfALook(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		held(w, p, "/locks/m", "a")
		for _, id := range []string{"b", "c", "d"} {
			lockWaiting(w, p, "/locks/m", id)
		}
		time.Sleep(time.Minute) // all nodes are watched by now
		var r *Report
		w.Costs([]testworld.Step{
			{
				// The top is read by itself; then its child, the lock, and the
				// four contenders.
				Name: "Read", Want: testworld.Counts{"multi": 1, "exists": 1, "getChildren2": 3, "multiRead": 3},
				Do: func() { r = report(w, q, "/") },
			},
			{
				Name: "Read of the lock alone", Want: testworld.Counts{"multi": 1, "exists": 1, "getChildren2": 1, "multiRead": 1},
				Do: func() { report(w, q, "/locks/m") },
			},
		})
		require.Len(w, at[*Lock](w, r, "/locks/m").Waiters, 3)
		require.Equal(w, 8, r.Requests)
	})
}

// Large data that is not needed is read from a few nodes alone.
func TestBulkyNodesAreReadOneByOne(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const nodes, size = 1000, 100_000
		data := string(make([]byte, size))
		for i := range nodes {
			w.Put(fmt.Sprintf("/keys/k%03d", i), data)
		}
		p := w.Process()
		var r *Report
		counts := w.Count(func() { r = report(w, p, "/keys") })
		require.Equal(w, nodes+1, r.Nodes)
		require.LessOrEqual(w, counts["multiRead"], 24, "those that were under way at a time: %v", counts)
		require.Zero(w, counts["getData"], "%v", counts)
		require.Greater(w, counts["exists"], nodes/2, "%v", counts)
	})
}
