package groupmembership_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// A claim that may not be read is made while members watch. The server tells
// them nothing of it. They do not ask for that partition all the time, and own
// it when it is free.
func TestAClaimThatNoEventTellsOf(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		c := newCourt(w)
		w.Put(orders+"/claims", "1")
		p := w.Process(testworld.Guest)
		p.Link.Delay(time.Millisecond)
		a := c.work(p, "a", 1, groupmembership.Settle(time.Second))
		time.Sleep(500 * time.Millisecond)
		claim := orders + "/claims/0"
		_, err := owner.Create(w.Context(), claim, nil, session.Ephemeral)
		require.NoError(w, err)
		counts := w.Count(func() { time.Sleep(50 * time.Second) })
		total := 0
		for _, n := range counts {
			total += n
		}
		require.Less(w, total, 200, "%v", counts)
		require.NoError(w, owner.Close())
		c.settled(1, a)
	})
}
