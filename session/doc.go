// Package session keeps a ZooKeeper session open, and says how long what the
// session owns can be trusted. Every recipe of this module takes a [Manager];
// many recipes share one Manager.
//
//	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181", "zk2:2181"}, Root: "/prod/app"})
//	defer sm.Close()
//
// A ZooKeeper session ends if its servers do not hear from it in time, and its
// ephemeral znodes end with it. A [Manager] then opens the next session:
//
//	           handshake                 connection lost
//	Dial ───────────────────▶ Connected ─────────────────▶ Suspended
//	                           ▲  │  ▲                        │  │
//	             next session  │  │  └────────────────────────┘  │
//	                           │  │ expired   reconnected        │ trust deadline
//	                           │  ▼                              │ or expired
//	                           Lost ◀────────────────────────────┘
//
// # What is promised
//
//   - The context of a [Hold] ends before the ensemble gives its znode away: in
//     a full or a one-way partition, when servers hang or lose their leader,
//     when the leader is deposed, when answers come late.
//   - A request of one session never runs in a later session.
//   - A write is never done twice. If its outcome is unknown, the error is
//     [ErrUnknownOutcome].
//   - Every state change reaches every subscriber, in order.
//
// # What is not promised
//
//   - A process that is paused while it holds learns of its loss when it runs
//     again. The fencing token ([Hold.Token]) and guarded transactions
//     ([Hold.Guard]) make the receiving side reject its writes.
//   - The trust deadline is measured with the monotonic clock of this machine,
//     which must not be slower than the leader's by more than a twelfth. On
//     Linux it stands still while the machine is suspended.
//   - A server that grants less than two ticks may expire a session too early.
//   - Servers before ZooKeeper 3.5 are not supported, nor the security layers
//     of SASL. Use TLS ([Config.TLS]).
package session
