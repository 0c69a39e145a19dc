// Package conformance holds the suite that earns the embedded server (package zktest) its trust: the same requests go to it
// and to a real ZooKeeper 3.8, and every answer is compared. Whatever differs is a mistake of the embedded server, because the
// real one is right by definition.
//
// Two halves. Random programs are run through the ordinary client, go-zookeeper, with two sessions on each side: creates in
// all modes, conditional writes, reads, access control, transactions, watches, lost connections, closed sessions. After
// each step the result, the error, the stat and the watch events of every session must agree. A table of raw frames covers
// what that client never sends: refused paths, protocol errors, handshakes, the requests it does not know.
//
// What can differ between two correct servers is mapped before it is compared: session ids to the sessions' names, zxids to
// their order. Times are only checked against the order of the transactions they belong to.
//
//	go test ./conformance -rapid.checks=1000     more random programs
//	go test ./conformance -rapid.seed=N          one of them again
//
// The package has no code of its own beside its tests.
package conformance
