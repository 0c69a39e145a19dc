package counter_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
)

func TestCostsOfACounter(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := counter.New(w.Process().Manager, path)
		other := counter.New(w.Process().Manager, path)
		var changes *testworld.Call[counter.Value]
		must := func(_ any, err error) { w.Helper(); require.NoError(w, err) }
		w.Costs([]testworld.Step{
			{Name: "Get of a counter that is not there", Want: testworld.Counts{"getData": 1, "sync": 1}, Do: func() { must(c.Get(w.Context())) }},
			{Name: "the first Add makes the node and the one above", Want: testworld.Counts{"create": 1, "createContainer": 1, "exists": 2, "getData": 1}, Do: func() { must(c.Add(w.Context(), 1)) }},
			{Name: "Add", Want: testworld.Counts{"getData": 1, "setData": 1}, Do: func() { must(c.Add(w.Context(), 1)) }},
			{Name: "Get", Want: testworld.Counts{"getData": 1, "sync": 1}, Do: func() { must(c.Get(w.Context())) }},
			{Name: "Set", Want: testworld.Counts{"getData": 1, "setData": 1}, Do: func() { require.NoError(w, c.Set(w.Context(), 7)) }},
			{Name: "CompareAndSet", Want: testworld.Counts{"getData": 1, "setData": 1}, Do: func() { must(c.CompareAndSet(w.Context(), 7, 8)) }},
			{Name: "CompareAndSet of another number", Want: testworld.Counts{"getData": 2, "sync": 1}, Do: func() { must(c.CompareAndSet(w.Context(), 7, 8)) }},
			{Name: "Changes", Want: testworld.Counts{"getData": 1}, Do: func() {
				changes = testworld.Go(w, func(ctx context.Context) (last counter.Value, err error) {
					for v, err := range c.Changes(ctx) {
						if err != nil {
							return last, err
						}
						last = v
					}
					return last, nil
				})
				time.Sleep(time.Second)
			}},
			{Name: "another process adds, and the number is read", Want: testworld.Counts{"getData": 2, "setData": 1}, Do: func() {
				must(other.Add(w.Context(), 1))
				time.Sleep(time.Second)
			}},
			{Name: "the loop ends", Want: testworld.Counts{"removeWatches": 1}, Do: func() {
				v, err := changes.GiveUp()
				require.NoError(w, err)
				require.EqualValues(w, 9, v.N)
				time.Sleep(time.Minute)
			}},
		})
		require.Zero(w, w.Srv.Watches())
	})
}

func TestCostsOfASequence(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		s := sequence(w.Process(), counter.Block(10), counter.LowWater(-1))
		w.Costs([]testworld.Step{
			{Name: "the first number makes the node and the one above", Want: testworld.Counts{"create": 1, "createContainer": 1, "exists": 2, "getData": 1}, Do: func() { next(w, s) }},
			{Name: "the rest of the block", Do: func() {
				for range 9 {
					next(w, s)
				}
			}},
			{Name: "the first number of the next block", Want: testworld.Counts{"getData": 1, "setData": 1}, Do: func() { next(w, s) }},
		})
	})
}
