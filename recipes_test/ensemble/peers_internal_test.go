package ensemble

import (
	"testing"
	"time"
)

// TestVotesPassTheProxies: a server that comes back connects to those with greater ids, which hang up and connect to the address
// that it has told them. That is the proxy too: a cut would be no cut otherwise.
func TestVotesPassTheProxies(t *testing.T) {
	RequireZooKeeper(t)
	e := Start(t, 3, PeerProxies())
	e.Server(0).Restart()
	for _, from := range []int{2, 3} {
		Eventually(t, 20*time.Second, "a connection for votes through the proxy", func() bool {
			return e.peers.wires[[2]int{from, 1}].vote.Connections() > 0
		})
	}
}
