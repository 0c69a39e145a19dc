// Package core is a session as recipes need it: generations of sessions, trust, watches,
// nodes of ours and the holds on them. Users see the facade, package session. Recipes reach
// this package through internal/bridge.
//
// # Sessions come and go
//
// A [Manager] outlives its sessions: when one has ended it opens the next. Each
// [Session] has a client and connections of its own, which are closed for good before
// the next session is opened. So a request that was issued in one session can never run
// in another.
//
// # The trust deadline
//
// A client that is cut off is never told that its session has expired: no server
// can reach it. A Session therefore keeps a deadline of its own,
//
//	TrustedUntil = when the newest request was written that a quorum has committed
//	             + the granted timeout − the margin
//
// The leader of the ensemble expires sessions, and a leader that is deposed may
// go on answering for syncLimit ticks before it notices. So one rule decides
// what moves the deadline: the answer to a write, done or refused, because a
// quorum has to commit it. The answer to a transaction that only checks a node
// counts too. Answers to pings, reads and syncs, watch events, throttled
// requests and every handshake move nothing: a server gives them alone.
//
// While a session holds something, it sends such checks in the wake of each
// ping, three in a session timeout, and at once on a new connection. They ask for
// the nodes that are held, of whose end a server may not tell: see heldNode. A session that
// holds nothing proves nothing: it sends pings alone, and reads where ACLs may
// have made its watches deaf. A [Hold] begins only with a fresh proof.
//
// When the deadline passes, the session ends in this order: dialling stops; the
// contexts of the session and of every [Hold] end; the connections are closed.
// That is before another session can own what this one owned. A session that
// holds nothing ends when no server has answered anything for as long; a server
// that refuses the credentials does not count.
//
// # What is promised
//
//   - A Hold's context ends strictly before the ensemble gives its node away:
//     in a full partition, in a one-way partition, when servers hang or lose
//     their leader, when the leader is deposed, when answers come late.
//   - A Hold whose node others delete ends when the news arrives. If the session may not
//     read the node, it ends at the latest staleAfter sixtieths of the timeout and a round
//     trip later; with more nodes than fit into a probe, after as many probePauses.
//   - Nothing that was asked for in one session is done in a later one.
//   - A write is never done twice; if it is unknown whether it was done, the
//     error is [ErrUnknownOutcome]. [InDoubt] tells whether asking can help;
//     [Session.DeleteExact], [Session.SetOver], [Session.SetExact] and
//     [Session.CreateOnce] ask, and settle what can be settled.
//   - A request that a server has certainly not executed is sent again, paced:
//     it never left, or the server is overloaded and says so (THROTTLEDOP).
//   - A node of ours that may exist and is not wanted is looked for and removed
//     until it is proven absent or its session has ended, whatever became of
//     the context under which it was made.
//   - Many waiters for the same event cost the server one watch, and a waiter
//     costs no goroutine. A watch without waiters is taken back.
//   - Every state change reaches every subscriber, in order.
package core
