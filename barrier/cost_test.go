package barrier_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
)

func TestCostsOfAGate(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		g := barrier.New(p.Manager, gate)
		var first, second *testworld.Call[bool]
		w.Costs([]testworld.Step{
			{Name: "the first Set makes the node above", Want: testworld.Counts{"create": 1, "createContainer": 1, "exists": 2}, Do: func() { require.NoError(w, g.Set(w.Context())) }},
			{Name: "Set of a gate that is set", Want: testworld.Counts{"create": 1, "exists": 1, "getData": 1}, Do: func() { require.NoError(w, g.Set(w.Context())) }},
			{Name: "IsSet", Want: testworld.Counts{"getData": 1, "sync": 1}, Do: func() {
				set, err := g.IsSet(w.Context())
				require.NoError(w, err)
				require.True(w, set)
			}},
			{Name: "Wait", Want: testworld.Counts{"getData": 1, "multi": 1}, Do: func() { first = wait(q) }},
			{Name: "another Wait of the process", Want: testworld.Counts{"getData": 1, "multi": 1}, Do: func() { second = wait(q) }},
			{Name: "Lift wakes both", Want: testworld.Counts{"delete": 1, "getData": 1}, Do: func() {
				require.NoError(w, g.Lift(w.Context()))
				first.Get()
				second.Get()
			}},
			{Name: "Lift of a gate that is open", Want: testworld.Counts{"getData": 2, "sync": 1}, Do: func() { require.NoError(w, g.Lift(w.Context())) }},
			{Name: "Wait at a gate that is open", Want: testworld.Counts{"getData": 1, "multi": 1}, Do: func() { wait(q).Get() }},
		})
		time.Sleep(time.Minute)
		require.Zero(w, w.Srv.Watches())
	})
}

func TestCostsOfADouble(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const n = 4
		var calls []*testworld.Call[*barrier.Visit]
		var leaving []*testworld.Call[bool]
		come := func() { calls = append(calls, enter(w.Process(), n, string(rune('a'+len(calls))))) }
		p := w.Process() // a member that has connected before
		w.Costs([]testworld.Step{
			{Name: "the first Enter makes the directories", Want: testworld.Counts{"create": 2, "createContainer": 3, "exists": 1, "getChildren2": 1, "getData": 1}, Do: func() { calls = append(calls, enter(p, n, "a")) }},
		})
		for range n - 2 {
			come()
		}
		q := w.Process()
		w.Costs([]testworld.Step{
			{Name: "the last Enter begins the round", Want: testworld.Counts{"create": 1, "exists": 1, "getChildren2": 1, "getData": 4, "multi": 1, "multiRead": 1}, Do: func() {
				calls = append(calls, enter(q, n, "z"))
				for _, c := range calls {
					c.Get()
				}
				time.Sleep(time.Second) // holds are watched by now
			}},
			{Name: "Leave of the last by name", Want: testworld.Counts{"delete": 1, "exists": 1, "getChildren2": 1, "getData": 1, "sync": 1}, Do: func() { leaving = append(leaving, leave(w, calls[3].Get())) }},
			{Name: "Leave of the first by name", Want: testworld.Counts{"getChildren2": 1, "getData": 1}, Do: func() { leaving = append(leaving, leave(w, calls[0].Get())) }},
			{Name: "Leave of one between", Want: testworld.Counts{"delete": 1, "exists": 1, "getChildren2": 1, "getData": 1, "sync": 1}, Do: func() { leaving = append(leaving, leave(w, calls[1].Get())) }},
		})
		// A member that is woken sees "ready", or sees it gone: so the number
		// of requests that clear it varies.
		leaving = append(leaving, leave(w, calls[2].Get()))
		for _, c := range leaving {
			c.Get()
		}
		require.Empty(w, w.Children(dir))
	})
}

// Members that stand at a full barrier are read together: those that came first go in.
func TestCostsOfTooManyMembers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const n, many = 3, 40
		others := w.Process()
		for i := range many {
			come(others, fmt.Sprintf("member-%02d", many-i), "")
		}
		p := w.Process()
		w.Costs([]testworld.Step{
			{Name: "Enter of one too many", Want: testworld.Counts{"create": 1, "delete": 1, "exists": 4, "getChildren2": 2, "getData": 3, "multi": 2, "multiRead": 3, "sync": 1}, Do: func() {
				_, err := enter(p, n, "z").Result()
				require.ErrorIs(w, err, barrier.ErrFull)
			}},
		})
		require.Contains(w, w.Data(ready), `"member-38","member-39","member-40"`)
	})
}
