package ensemble_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestSeverPartsServers: a leader is parted from both others. One of them
// becomes the leader, and the old one follows it once healed. Votes that passed
// the cut would elect the old leader again.
func TestSeverPartsServers(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3, ensemble.PeerProxies())
	for range 2 {
		old := e.Leader()
		for _, other := range e.Followers() {
			e.Sever(old, other)
			e.Sever(other, old)
		}
		ensemble.Eventually(t, soon, "another server leads and the old leader does not serve", func() bool {
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

// TestSeverOneWay: a follower whose leader does not receive from it gives up,
// as does one that receives nothing.
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
		ensemble.Eventually(t, soon, "the follower does not serve", func() bool { return follower.Mode() == "" })
		require.Equal(t, leader.ID(), e.Leader().ID())
		e.HealPeers()
		quorum(t, e)
	}
}
