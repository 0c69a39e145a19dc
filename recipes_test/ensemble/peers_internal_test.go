package ensemble

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestVotesPassTheProxies: a restarted server connects to those with greater
// ids. They close the connection and dial the address that it has announced.
// That address is the proxy's too: otherwise a cut would not stop votes.
func TestVotesPassTheProxies(t *testing.T) {
	RequireZooKeeper(t)
	e := Start(t, 3, PeerProxies())
	e.Server(0).Restart()
	for _, from := range []int{2, 3} {
		Eventually(t, time.Minute, "a connection for votes through the proxy", func() bool {
			return e.peers.wires[[2]int{from, 1}].vote.Connections() > 0
		})
	}
}

// TestFollowersWaitForTheirLeader: a follower may connect before its elected
// leader listens. Its connection is not refused.
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
