// Package session keeps a ZooKeeper session open, and says exactly how long
// what it owns can be trusted. Every recipe of this module takes a [Manager]
// first; many share one.
//
//	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181", "zk2:2181"}, Root: "/prod/app"})
//	defer sm.Close()
//
// # Sessions come and go
//
// A ZooKeeper session lives as long as its servers hear from it, and takes its
// ephemeral nodes with it. A [Manager] outlives its sessions: when one has
// ended it opens the next. Each [Session] has a client and connections of its
// own, which are closed for good before the next session is opened. So a request
// that was issued in one session can never run in another.
//
//	           handshake                 connection lost
//	Dial ───────────────────▶ Connected ─────────────────▶ Suspended
//	                           ▲  │  ▲                        │  │
//	             next session  │  │  └────────────────────────┘  │
//	                           │  │ expired   reconnected        │ trust deadline
//	                           │  ▼                              │ or expired
//	                           Lost ◀────────────────────────────┘
//
//	Close leads from every state to Closed.
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
// While a session holds something, it sends such a check in the wake of each
// ping, three in a session timeout, and at once on a new connection. A write
// that was committed just before makes the check unnecessary. A session that
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
//
// # What is not promised
//
//   - A process that is paused (by SIGSTOP, a suspended virtual machine, a long
//     stall) while it holds finds out when it runs again, not before: code that
//     does not look at the context in between runs on. The fencing token
//     ([Hold.Token]) and guarded transactions ([Hold.Guard]) make the receiving
//     side refuse it.
//   - The deadline is measured with this machine's monotonic clock. A clock
//     that runs slower than the leader's by more than a twelfth (with the
//     default margin) breaks the promise. On Linux that clock stands still
//     while the machine is suspended.
//   - An ensemble that is configured to grant timeouts shorter than two ticks
//     may expire a session earlier than the margin covers.
//   - Servers before ZooKeeper 3.5 are not supported, nor are the security
//     layers of SASL, which sign or encrypt the requests: use TLS ([Config.TLS]).
package core
