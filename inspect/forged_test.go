package inspect

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// A stranger's record has times that no calendar has. The report has a JSON
// form nevertheless, which the command and the page print.
func TestFault44_TimesBeyondJSON(t *testing.T) {
	for _, ms := range []int64{math.MinInt64, -1 << 53, 1 << 53, math.MaxInt64} {
		for _, state := range []string{"done", "failed", "running"} {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				w.Put("/jobs/report", fmt.Sprintf(`{"once":%q,"host":"h","pid":1,"session":"0x1","run":"_c_00000000-0000-4000-8000-000000000000-once-0000000007","zxid":1,"called":%d,"began":%d}`, state, ms, ms))
				r := report(w, p, "/")
				require.NotNil(w, at[*Job](w, r, "/jobs/report").By)
				_, err := json.Marshal(r)
				require.NoError(w, err, "%d", ms)
			})
		}
	}
}

// claimsOf is n znodes of a session, which hold or wait at a path. Their data
// names parents.
func claimsOf(path string, n int, of session.ID, parents []session.ID) []Owner {
	all := make([]Owner, n)
	for i := range all {
		all[i] = Owner{
			Owner:          session.Owner{Path: fmt.Sprintf("%s/%010d", path, i), Session: of, Token: int64(i + 1)},
			ParentSessions: parents,
		}
	}
	return all
}

// edgesOf returns the number of edges of a graph.
func edgesOf(g *graph) (n int) {
	for _, h := range g.hubs {
		for _, from := range h.holders {
			n += 1 + len(from.to)
		}
	}
	return n
}

// One session holds and waits with thousands of znodes, whose data names many
// parents. The graph stays within its limit, and a deadlock of others is found
// beside it.
func TestFault44_ForgedCrowd(t *testing.T) {
	const n = 2000
	var parents []session.ID
	for i := range 150 {
		parents = append(parents, session.ID(1000+i))
	}
	rw := func(path string, holders, waiters []Owner) Finding {
		return &RWLock{Header: Header{Kind: KindRWLock, Path: path}, Holders: holders, Waiters: waiters}
	}
	for name, crowd := range map[string][]Finding{
		"one session": {
			rw("/a", claimsOf("/a", n, 7, parents), claimsOf("/a", n, 7, parents)),
			rw("/b", claimsOf("/b", n, 7, parents), claimsOf("/b", n, 7, parents)),
		},
		"a holder that all name": {
			rw("/a", claimsOf("/a", n, 1000, nil), claimsOf("/a", n, 8, parents)),
			rw("/b", claimsOf("/b", n, 1000, nil), claimsOf("/b", n, 9, parents)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			other := &Report{Findings: append(crowd,
				rw("/x", claimsOf("/x", 1, 1, nil), claimsOf("/x", 1, 2, nil)),
				rw("/y", claimsOf("/y", 1, 2, nil), claimsOf("/y", 1, 1, nil)),
			)}
			g := newGraph(other)
			require.True(t, g.cut)
			require.LessOrEqual(t, edgesOf(g), maxEdges)
			found := false
			for _, d := range g.cycles() {
				found = found || d.Cycle[0].Lock == "/x" || d.Cycle[0].Lock == "/y"
			}
			require.True(t, found, "the crowd does not hide the deadlock of others")
		})
	}
}

// Most waits of a set are in no cycle once the first cycle is known: each layer
// of sessions waits for the next, and one session closes the ring. The search
// does not begin at each of these waits.
func TestFault44_ForgedLayers(t *testing.T) {
	const layers, wide = 40, 100
	var all []Finding
	for i := range layers {
		var waiters []Owner
		path := fmt.Sprintf("/%02d", i)
		for k := range wide {
			id := session.ID(1_000_000 + i*wide + k)
			if i == layers-1 {
				id = 999
			}
			// The waits of this layer keep the holds of a session for which the
			// layer before waits.
			waiters = append(waiters, Owner{
				Owner:          session.Owner{Path: fmt.Sprintf("%s/w%03d", path, k), Session: id, Token: 1},
				ParentSessions: []session.ID{session.ID(i + 1)},
			})
		}
		all = append(all, &RWLock{
			Header: Header{Kind: KindRWLock, Path: path}, Holders: claimsOf(path, wide, session.ID((i+1)%layers+1), nil), Waiters: waiters,
		})
	}
	g := newGraph(&Report{Findings: all})
	require.False(t, g.cut)
	sets := g.components()
	require.Len(t, sets, 1)
	require.Len(t, sets[0], layers*wide)
	left := make(map[*wait]bool)
	for _, w := range sets[0] {
		left[w] = true
	}
	onlyCyclic(sets[0], left)
	require.Len(t, left, layers*wide)
	require.Len(t, g.cycle(sets[0], left, maxSteps), layers)
	for w := range left {
		if w.who.Session == 999 {
			delete(left, w)
		}
	}
	onlyCyclic(sets[0], left)
	require.Empty(t, left)

	// A cycle may have any session of each layer.
	found := g.cycles()
	require.Len(t, found, maxCycles)
	for i, d := range found {
		require.Len(t, d.Cycle, layers)
		require.Equal(t, i == maxCycles-1, d.More)
	}
}
