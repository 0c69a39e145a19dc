package groupmembership_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// Members start one after the other, as replicas of one program do: no
// partition moves.
func TestMembersThatStartTogether(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		var all []*worker
		require.Equal(t, 40, c.count(func() {
			for i := range 8 {
				all = append(all, c.work(w.Process(), fmt.Sprint("m", i), 40))
				time.Sleep(20 * time.Millisecond)
			}
			c.settled(40, all...)
		}))
		// Settle(0) does not wait.
		for _, k := range all {
			k.stop()
		}
		k := c.work(w.Process(), "one", 40, groupmembership.Settle(0))
		synctest.Wait()
		require.Len(t, k.owned(), 40)
	})
}
