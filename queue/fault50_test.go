package queue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
)

// Nothing of a queue is left out: loops read a megabyte at a time, and consumers
// few items. Large items may come after many small ones, so that nothing tells
// their size before.
func TestFault50_LargeItems(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const small, large = 200, 40
		q := queue.New(w.Process().Manager, "/q")
		for i := range small + large {
			n := 10
			if i >= small {
				n = 1<<20 - 20000
			}
			_, err := q.Put(w.Context(), []byte(strings.Repeat(fmt.Sprint(i%10), n)))
			require.NoError(w, err)
		}
		// Another consumer has claimed one of them.
		taken, err := queue.New(w.Process().Manager, "/q").Take(w.Context())
		require.NoError(w, err)
		require.NotNil(w, taken)

		reader := queue.New(w.Process().Manager, "/q")
		n, claimed := 0, 0
		for e, err := range reader.List(w.Context()) {
			require.NoError(w, err)
			require.Equal(w, fmt.Sprint(n % 10)[0], e.Data[len(e.Data)-1])
			if n++; e.Claim != nil {
				claimed++
			}
		}
		require.Equal(w, small+large, n)
		require.Equal(w, 1, claimed)
		require.NoError(w, taken.Release())
		for range small + large {
			item, err := q.Take(w.Context())
			require.NoError(w, err)
			require.NoError(w, item.Reject("too large"))
		}
		n = 0
		for l, err := range reader.Dead(w.Context()) {
			require.NoError(w, err)
			require.Equal(w, "too large", l.Reason)
			n++
		}
		require.Equal(w, small+large, n)
		n, err = reader.Redrive(w.Context())
		require.NoError(w, err)
		require.Equal(w, small+large, n)
	})
}

// The largest answer that a loop asks for is a few megabytes, or one item.
func TestFault50_AnswersOfALoop(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		q := queue.New(w.Process().Manager, "/q")
		for range 40 {
			_, err := q.Put(w.Context(), make([]byte, 1<<20-20000))
			require.NoError(w, err)
		}
		counts := w.Count(func() {
			for range queue.New(w.Process().Manager, "/q").List(w.Context()) {
				break
			}
		})
		require.LessOrEqual(w, counts["multiRead"], 4, "a loop that ends soon has read little")
	})
}
