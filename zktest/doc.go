// Package zktest is an in-process server that speaks ZooKeeper's protocol, for
// tests.
//
// It answers as ZooKeeper 3.8 does: sessions and their expiry, ephemeral,
// sequential, container and TTL znodes, stats and zxids, watches of every kind,
// ACLs, multi. [Version] makes it play 3.5 or 3.9. It needs no JVM and starts in
// microseconds. Any client can use it over TCP; a Go client can use it in
// memory. A test controls the server: it can cut a network path in one
// direction, lose one answer, freeze the server or expire a session, at an
// instant of its choosing.
//
// The server is for tests and for trying things out. It keeps everything in
// memory, replicates nothing and protects nothing: never use it in production.
//
// # Virtual time
//
// Over in-memory connections, the server and the unmodified client of
// github.com/go-zookeeper/zk run inside a testing/synctest bubble. In a bubble,
// time advances only while every goroutine waits. So an hour of a session's
// life takes milliseconds, nothing sleeps for real, and a session expires in
// the very nanosecond in which its timeout ends:
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
// Start the server inside the bubble, and close the client before the bubble
// ends. The client needs a HostProvider that asks no DNS, such as [Hosts]: name
// resolution happens outside of the bubble. Do not use [Server.Listen] in a
// bubble.
//
// # Faults
//
// A [Link] is the network path of one process. It can be cut in one direction,
// delayed, made to refuse dials, broken, or made to hang handshakes.
// [Server.Partition], [Server.Disconnect] and [Server.Expire] act on a single
// session. [Server.Freeze], [Server.HangHandshakes], [Server.Restart] and
// [Server.Wipe] act on the whole server, and [Server.Restore] gives it an earlier
// [Backup]. [Server.Lag] lets a session read from
// a follower that has fallen behind. [Server.ReplaceSessions] answers a
// re-attachment with another session, as ClickHouse Keeper does.
//
// [Server.Depose] leaves some links with a leader that has lost its quorum and
// does not know it yet: see [Deposed]. [Server.SlowQuorum] and
// [Server.LoseQuorum] delay or withhold what a quorum has to commit, while
// pings and reads are answered at once.
//
// [Server.Intercept] decides about each request: run it, lose it, run it and
// lose the answer, delay it, hold it until the test releases it, fail it.
// Fail([CodeThrottledOp]) answers a request as a throttling server does; no
// quorum has seen such a request.
//
// # What is exact, and what is not
//
// The server matches ZooKeeper in results, error codes, stats, sequence numbers,
// the order of watch events and answers, and the answers to hostile requests.
// Each transaction takes the same zxid as there, failed ones included. A
// conformance suite compares it with real servers of 3.8.0 and 3.9.6 in every
// run. Debian has no 3.5: the suite has found no difference from a 3.5.10 that is
// built from its sources, except in the number of packets that mntr tells.
//
// These differ on purpose, in every version:
//
//   - A session expires exactly when its timeout has passed since its last
//     frame. ZooKeeper may take up to a tick longer, never less.
//   - A deposed leader closes the connection of a session that it has expired
//     when the next frame arrives, not before.
//   - Lists of children come sorted, and so do the ephemeral znodes that an
//     ending session deletes. ZooKeeper's order is arbitrary.
//   - A check outside of a multi is answered; ZooKeeper never answers one that
//     succeeds. 3.9 rejects it, here and there.
//   - A createSession by a client leaves the timeout of its session alone.
//   - While 4 MiB of answers wait for a client to read them, its later requests
//     are not executed. A connection with 64 MiB of unread watch events is
//     closed. ZooKeeper has no such limits.
//   - Login by SASL uses DIGEST-MD5 alone; see [SASL]. ZooKeeper 3.8.0 accepts
//     an unknown user with the password of the previous user; the embedded
//     server does not.
//
// These it does not do:
//
//   - It enforces no quota, and rejects reconfiguration.
//   - It has no read-only mode, no local sessions and no observers.
//   - It has no admin server. Of the four-letter words, mntr has gauges alone;
//     envi tells no properties of a JVM; conf and dirs tell no directories. All
//     words are allowed, as with 4lw.commands.whitelist=*.
//   - It does not persist, compress or check anything: there are no snapshots,
//     no transaction logs and no digests.
//   - It has no super user except SASL's, and no scheme x509.
//
// # Versions
//
// [Version] chooses the version. The versions differ in these:
//
//	                                         3.5        3.8        3.9
//	addWatch, setWatches2, multiRead,
//	getEphemerals, getAllChildrenNumber,
//	whoAmI                                   unknown    known      known
//	the number of sequential children
//	after 2147483647                         wraps      stops      stops
//	events about a znode that the client
//	may not read                             sent       hidden     hidden
//	the same, when setWatches makes up for
//	missed changes                           sent       sent       hidden
//	exists needs the right to read           no         no         yes
//	the zxid in an event                     -1         -1         of the change
//	watches of two modes on one path         -          newest     both
//	kinds 4 and 5 in removeWatches           rejected   rejected   known
//	checkWatches finds watches of            the client any client the client
//	a recursive watch is one of              -          data and   data
//	                                                    children
//	create2 in a multi is answered with      the path   the path   path and stat
//	deleteContainer by a client              code -8    code -8    hangs up
//	check outside of a multi                 code       code       unimplemented
//	delete of a missing znode needs the
//	right to delete                          no         yes        yes
//	a create or setACL without ACLs          malformed  invalid    invalid
//	a malformed write takes a zxid           yes        yes        no
//
// A hidden event still uses up its watch: a right that is granted later does not
// bring the event back. Since 3.8.4 and 3.9.2, ZooKeeper hides events, and its
// exists needs the right to read. Debian's 3.8.0 hides events too. The events of
// setWatches are hidden in 3.9.6. The SASL login of 3.9 is that of a server whose
// fips-mode is false.
package zktest
