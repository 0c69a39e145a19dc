package views

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// The answers of one request are processed while the server works on the next.
// A change in between is read again, whether the answer of its node was
// processed or is outstanding. After a lost connection, everything is read
// again.
func TestTreeTakesWhatHasComeWhileItReads(t *testing.T) {
	for name, disturb := range map[string]func(p *testworld.Process, w *testworld.World){
		"changes": func(*testworld.Process, *testworld.World) {},
		"a lost connection": func(p *testworld.Process, _ *testworld.World) {
			p.Link.Disconnect()
		},
		"an older connection's answer": func(p *testworld.Process, w *testworld.World) {
			w.Put("/d/n0002", "newer still")
			p.Link.Disconnect()
		},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				const many = 3000
				for i := range many {
					w.Put(fmt.Sprintf("/d/n%04d", i), "old")
				}
				p := w.Process()
				requests := 0
				defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Op != zktest.OpMultiRead {
						return zktest.Pass
					}
					requests++
					if requests != 4 {
						return zktest.Pass
					}
					for i := range many / 100 { // of all batches
						w.Put(fmt.Sprintf("/d/n%04d", i*100), "new")
					}
					w.Remove("/d/n0001")
					w.Put("/d/new", "made")
					disturb(p, w)
					return zktest.Pass
				})()
				tree := openTree(p, TreeConfig{Path: "/d"})
				settledTree(tree)
				state := tree.Load()
				require.Equal(w, many+1, state.Len(), "the root, without one node and with another")
				require.Nil(w, state.Get("n0001"))
				require.Equal(w, "made", string(state.Get("new").Data))
				for i := range many / 100 {
					require.Equal(w, "new", string(state.Get(fmt.Sprintf("n%04d", i*100)).Data))
				}
				require.False(w, tree.Stale())
			})
		})
	}
}
