// Package conformance compares the embedded server (package zktest) with a real
// ZooKeeper, 3.8 or 3.9. The embedded server plays the version of the real one.
// The same requests go to both, and every answer is compared. Any difference is a
// mistake of the embedded server, because the real one is right by definition.
//
// The suite has two halves. Random programs run through the ordinary client,
// go-zookeeper, with two sessions on each side: creates in all modes,
// conditional writes, reads, access control, transactions, watches, lost
// connections, closed sessions. After each step the result, the error, the stat
// and the watch events of every session must agree. A table of raw frames
// covers what that client never sends: invalid paths, protocol errors,
// handshakes, hostile bytes, and requests that it does not know. TestRecord writes
// the frames of 3.9 that differ from 3.8 into a file for the tests of zktest.
//
// Two correct servers differ in session ids, zxids and times. Session ids are
// mapped to the sessions' names, and zxids to their order. Times are only
// checked against the order of their transactions.
//
//	go test ./conformance -rapid.checks=1000     more random programs
//	go test ./conformance -rapid.seed=N          one of them again
//
// The package has only tests.
package conformance
