package ensemble

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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

// TestFollowersWaitForTheirLeader: a follower that connects before the one it has elected listens is not sent away.
func TestFollowersWaitForTheirLeader(t *testing.T) {
	at := loopback(reservePorts(t).take(t))
	proxy := NewProxy(t, at)
	proxy.waitForListener(time.Minute)
	follower, err := net.Dial("tcp", proxy.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, follower.Close()) })
	require.NoError(t, follower.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	_, err = follower.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)

	leader, err := net.Listen("tcp", at)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, leader.Close()) })
	conn, err := leader.Accept()
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}
