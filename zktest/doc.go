// Package zktest is an in-process server that speaks ZooKeeper's protocol, for tests.
//
// It answers as ZooKeeper 3.8 does: sessions and their expiry, ephemeral, sequential, container and TTL znodes, stats and zxids,
// watches of every kind, ACLs, multi. It needs no JVM and starts in microseconds, any client can talk to it over TCP, and a Go client can talk
// to it in memory. What it adds is control: a test can cut a network path in one direction, lose one answer, freeze the server or expire a session, at an
// instant of its choosing.
//
// It is for tests and for trying things out. It keeps everything in memory, replicates nothing and protects nothing: never use it in
// production.
//
// # Virtual time
//
// Dialled in memory, the server and the unmodified client of github.com/go-zookeeper/zk run inside a testing/synctest bubble. There time
// advances only while every goroutine waits, so an hour of a session's life takes milliseconds, nothing sleeps for real, and a session
// expires at the very nanosecond its timeout is over:
//
//	func TestExpiry(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			s := zktest.New(t)
//			c, events, err := zk.Connect([]string{s.Addr()}, 10*time.Second,
//				zk.WithDialer(s.Dial), zk.WithHostProvider(new(zktest.Hosts)))
//			if err != nil {
//				t.Fatal(err)
//			}
//			defer c.Close()
//			<-events // the first state of the session
//		})
//	}
//
// Start the server inside the bubble. The client needs a HostProvider that asks no DNS, because name resolution happens outside of the
// bubble: [Hosts] is one. Close the client before the bubble ends. [Server.Listen] is of no use in a bubble.
//
// # Faults
//
// A [Link] is the network path of one process: cut it in one direction, delay
// it, refuse its dials, break its connections, let its handshakes hang.
// [Server.Partition], [Server.Disconnect] and [Server.Expire] do the like to a
// single session. [Server.Freeze], [Server.HangHandshakes], [Server.Restart] and
// [Server.Wipe] concern the whole server. [Server.Lag] lets a session read from a
// follower that has fallen behind. [Server.ReplaceSessions] answers a
// re-attachment with another session, as ClickHouse Keeper does.
//
// [Server.Depose] leaves some links with a leader that has lost its quorum and
// does not know it yet: see [Deposed]. [Server.SlowQuorum] and
// [Server.LoseQuorum] delay or withhold what a quorum has to commit, while pings
// and reads are answered at once.
//
// [Server.Intercept] decides about each request: run it, lose it, run it and
// lose the answer, delay it, hold it until the test lets go, fail it.
// Fail([CodeThrottledOp]) answers a request as a server does that throttles; no
// quorum has seen such a request.
//
// # What is exact, and what is not
//
// Results, error codes, stats, sequence numbers, the zxid that each transaction takes (failed ones included), and the order of watch events
// and answers are those of ZooKeeper 3.8.0. These differ on purpose:
//
//   - A session expires exactly when its timeout has passed since its last frame. ZooKeeper may take up to a tick longer, never less.
//   - A deposed leader hangs up on a session that it has expired when the next frame comes, not before.
//   - Lists of children, and the ephemeral znodes that one ending session takes along, come sorted. ZooKeeper's order is arbitrary.
//   - The number of sequential children wraps after 2147483647; see [WithSaturatingSequence].
//   - Quotas are not enforced, and reconfiguration is refused.
//   - Login by SASL is by DIGEST-MD5 alone; see [WithSASL]. ZooKeeper 3.8.0 lets an unknown user in with the password of the user who
//     came before; the embedded server does not.
//   - A check outside of a multi is answered; ZooKeeper never answers one that succeeds.
//
// A watch event is kept from a connection that may not read the znode, as ZooKeeper does since the fix of CVE-2024-23944. The watch is gone
// all the same: a right that the connection gets later does not bring the event. Whether exists asks for the right to read is an
// option, [WithExistsNeedsRead].
package zktest
