package inspect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testworld"
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
				// The top is read by itself; then its child, the lock, and the four contenders.
				Name: "Take", Want: testworld.Counts{"sync": 1, "exists": 1, "getChildren2": 3, "multiRead": 3},
				Do: func() { r = report(w, q, "/") },
			},
			{
				Name: "Take of the lock alone", Want: testworld.Counts{"sync": 1, "exists": 1, "getChildren2": 1, "multiRead": 1},
				Do: func() { report(w, q, "/locks/m") },
			},
		})
		require.Len(w, at[*Lock](w, r, "/locks/m").Waiters, 3)
		require.Equal(w, 8, r.Requests)
	})
}
