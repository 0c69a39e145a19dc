// Package core is the session as recipes need it: generations of sessions,
// trust, watches, the session's own nodes, and holds on them. Users see the
// facade, package session. Recipes reach this package through internal/bridge.
//
// # Generations of sessions
//
// A [Manager] outlives its sessions: when one has ended, it opens the next.
// Each [Session] has its own client and connections. They are closed for good
// before the next session is opened, so a request of one session can never run
// in another.
//
// # The trust deadline
//
// A client that is cut off cannot be told that its session has expired: no
// server can reach it. Therefore a Session keeps its own deadline,
//
//	TrustedUntil = when the newest request was written that a quorum has committed
//	             + the granted timeout − the margin
//
// It is earlier if the leader may not have heard of the session for a while: see
// exchanges.
//
// The leader of the ensemble expires sessions, and a deposed leader may
// continue to answer for syncLimit ticks before it notices. So one rule decides
// what moves the deadline: an answered write, whether done or refused, because
// a quorum has to commit it. A transaction that only checks a node counts as a
// write. Answers to pings, reads and syncs, watch events, throttled requests
// and handshakes move nothing: a single server can give them.
//
// While a session has a hold, it sends such checks directly after a ping, three
// in a session timeout, and at once on a new connection. The checks name the
// held nodes, because a server may withhold their deletion: see heldNode. A
// session without a hold proves nothing. It sends only pings, and reads if ACLs
// may have made its watches deaf. A [Hold] begins only with a fresh proof.
//
// When the deadline passes, the session ends in this order: dialling stops; the
// contexts of the session and of every [Hold] end; the connections are closed.
// All of this happens before another session can own what this session owned. A
// session without a hold ends after the same time without an answer from any
// server. A server that refuses the credentials does not count.
//
// # What is promised
//
//   - A Hold's context ends strictly before the ensemble removes its node: in a
//     full or one-way partition, when servers hang or lose their leader, when
//     the leader is deposed, and when answers are late.
//   - A Hold whose node another client deletes ends when the event arrives. If
//     the session may not read the node, the Hold ends at the latest staleAfter
//     sixtieths of the timeout and a round trip later. If the held nodes need n
//     probes, it can take n probePauses, if that is longer.
//   - After a new connection, the servers have no node of the session that no
//     call of this process owns, or the session ends (see continuity.go).
//     Servers that were restored from a backup bring such nodes back.
//   - No request of one session is executed in a later session.
//   - A write is never done twice. If its outcome is unknown, the error is
//     [ErrUnknownOutcome]. [InDoubt] tells whether a later request can find
//     out. [Session.DeleteExact], [Session.SetOver], [Session.SetExact] and
//     [Session.CreateOnce] do so as far as possible.
//   - A request that certainly was not executed is sent again, with a pause: it
//     was never sent, or the server is overloaded and says so (THROTTLEDOP).
//   - A create with an unknown outcome is swept until the node is deleted or
//     proven absent, or its session has ended, even after the end of the
//     caller's context.
//   - Many waiters for the same event share one watch on the server, and a
//     waiter needs no goroutine. A watch without waiters is removed from the
//     server.
//   - Every state change reaches every subscriber, in order.
package core
