package ensemble_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestSeverPartsServers: a leader that is parted from both others loses its office to one of them, and follows it once healed.
// Votes that found their way around the cut would have it elected again.
func TestSeverPartsServers(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3, ensemble.PeerProxies())
	for range 2 {
		old := e.Leader()
		for _, other := range e.Followers() {
			e.Sever(old, other)
			e.Sever(other, old)
		}
		ensemble.Eventually(t, soon, "another leads and the old one serves no more", func() bool {
			led, served := false, false
			for _, s := range e.Servers() {
				mode := s.Mode()
				led = led || s != old && mode == "leader"
				served = served || s == old && mode != ""
			}
			return led && !served
		})
		e.HealPeers()
		quorum(t, e)
		require.NotEqual(t, old.ID(), e.Leader().ID())
	}
	e.Leader().Kill()
	quorum(t, e)
}

// TestSeverOneWay: a follower that is not heard gives up as well as one that hears nothing.
func TestSeverOneWay(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3, ensemble.PeerProxies())
	for _, heard := range []bool{true, false} {
		leader, follower := e.Leader(), e.Followers()[0]
		if heard {
			e.Sever(leader, follower)
		} else {
			e.Sever(follower, leader)
		}
		ensemble.Eventually(t, soon, "the follower serves no more", func() bool { return follower.Mode() == "" })
		require.Equal(t, leader.ID(), e.Leader().ID())
		e.HealPeers()
		quorum(t, e)
	}
}
