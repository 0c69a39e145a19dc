package queue_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// List reads the items in batches, the first of them small.
func TestFault17_ListReadsInBatches(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		const many = 2000
		for i := range many {
			u.put(fmt.Sprint(i))
		}
		u.take()
		var entries int
		counts := w.Count(func() { entries = len(u.entries()) })
		require.Equal(w, many, entries)
		require.LessOrEqual(w, counts["multiRead"], 12, "%v", counts)
		require.Zero(w, counts["getData"])
		counts = w.Count(func() {
			for e, err := range u.List(w.Context()) {
				require.NoError(w, err)
				require.Equal(w, "0", string(e.Data))
				require.NotNil(w, e.Claim)
				break
			}
		})
		require.Equal(w, 2, counts["multiRead"], "16 items and a claim: %v", counts)
	})
}
