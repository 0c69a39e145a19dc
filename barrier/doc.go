// Package barrier makes processes wait for each other on ZooKeeper.
//
// A Barrier is a gate: it is closed while its node stands, and whoever comes
// waits until somebody lifts it. A Double is a rendezvous: so many members go
// in together and come out together.
//
//	gate := barrier.New(sm, "/barriers/migration")
//	err := gate.Wait(ctx)
//
//	err = barrier.NewDouble(sm, "/barriers/epoch", 5).Do(ctx, func(ctx context.Context, v *barrier.Visit) error {
//		return compute(ctx) // ctx ends when this member no longer counts as being inside
//	})
//
// # What a Barrier promises
//
//   - Wait returns when the gate was open at some moment after Wait began, and
//     goes on waiting over lost connections and ended sessions. A gate that is
//     lifted and set again at once has still let through everyone who waited.
//   - Set and Lift may be called by anyone, any number of times. They touch gates
//     alone: a persistent znode without children that holds Docent's owner, an IP
//     address (Curator's) or nothing (kazoo's). Anything else is ErrNotGate. So is a
//     znode with an address or nothing that was written over, has had children, or
//     has a history of package config. Beyond that nothing tells a config key that
//     was created with an IP address, or empty, and never changed, from a gate of
//     Curator's or kazoo's: Lift deletes it.
//
// # What a Double promises
//
//   - It touches its own nodes alone. The first member to come gets ErrNotDouble in a
//     directory that holds data, other than an IP address, or a contender, an item or
//     the like of another recipe. In a directory with other children a round raises
//     the version and leaves everything else as it is.
//   - Enter returns only when count members stood at the barrier at one instant.
//     It is the transaction that makes the node "ready" that checks it, and it is
//     that node which counts from then on, not the number of members: a slow
//     member gets through although fast ones have gone out again.
//   - Exactly count members go in. Of more than that the first ones do; the
//     others get ErrFull.
//   - Leave returns nil only when none of the members of the round is inside.
//   - A barrier can be used again at once. Its rounds cannot be mixed up: a
//     member belongs to the round whose "ready" was made after its own node, as
//     ZooKeeper's transaction numbers tell.
//   - A member that dies does not keep the others from leaving: it has left when
//     its session ends. Nor does it block the next round.
//   - Nothing stays behind: neither a call that fails nor one that is given up
//     leaves a member's node, a goroutine or a waiter. The node "ready" of a round
//     whose members all died, or gave up leaving, stays until the next round's first
//     comes.
//
// # What it does not promise
//
//   - Members that are inside can die there: entering together is no agreement
//     to finish. The others learn of it only as they leave.
//   - A member whose Leave was ended by its ctx is outside, although others may
//     be inside.
//   - It does not protect against clients that delete its nodes.
//
// # What ctx governs
//
// The ctx of every call bounds that call, never the visit. A ctx that is done
// beats a barrier that is ready: Enter then leaves again. Who went in already
// goes on; to them this member is one that has left.
//
// # States of a member
//
//	        Enter             ready, and we count           Leave           nobody inside
//	outside ─────> waiting ─────────────────────> inside ─────────> leaving ─────────────> outside
//	                │  ^ │                          │
//	      ctx ended │  └─┘ node or session gone:    │ node deleted, session expired,
//	                v      again                    v trust elapsed, manager closed
//	             outside                          lost: errors.Is(v.Err(), session.ErrLost)
//
// # Layout
//
// A Barrier is the persistent node at its path, as Curator's DistributedBarrier
// and kazoo's Barrier have it.
//
// A Double is a directory as Curator's DistributedDoubleBarrier and kazoo's
// DoubleBarrier have it: an ephemeral node for each member and the persistent
// node "ready". A member's node is a UUID, or "member-" and the id it was
// given, and holds JSON, {"id":…,"host":…,"pid":…,"visit":…}. Children count as
// members if they are named so, or with 32 hexadecimal digits as kazoo does;
// others are strangers' and are ignored. "ready" holds JSON,
// {"round":…,"members":[…]}; the round is the data version of the directory,
// which is raised in the transaction that makes "ready". Other libraries ignore
// both.
//
// Curator's and kazoo's members count each child, and take count for a
// threshold. Where they share a path with ours, no more than count members may
// come, and what is promised above holds as far as they keep to it: kazoo
// deletes "ready" as soon as the first member leaves, so that a slow member may
// miss it.
package barrier
