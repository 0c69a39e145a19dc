// Package barrier makes processes wait for each other on ZooKeeper.
//
// A Barrier is a gate: it is closed while its znode exists, and processes wait
// until it is lifted. A Double is a rendezvous: a fixed number of members enter
// together and leave together.
//
//	gate := barrier.New(sm, "/barriers/migration")
//	err := gate.Wait(ctx)
//
//	err = barrier.NewDouble(sm, "/barriers/epoch", 5).Do(ctx, func(ctx context.Context, v *barrier.Visit) error {
//		return compute(ctx) // ctx ends when this member no longer counts as inside
//	})
//
// # What a Barrier promises
//
//   - Wait returns if the gate was open at some moment after Wait began. It
//     goes on through lost connections and ended sessions. A gate that is
//     lifted and set again at once still lets all waiting processes through.
//   - Every process may call Set and Lift, any number of times. They change
//     gates alone: persistent znodes without children, with the data of
//     Docent's owner, an IP address (Curator) or no data (kazoo). For other
//     znodes they return session.ErrForeign, and so they do for a znode with an
//     IP address or no data that was overwritten, has had children, or has a
//     history of package config. A config key that was created with an IP
//     address or without data, and never changed, looks like a gate of Curator
//     or kazoo: Lift deletes it.
//
// # What a Double promises
//
//   - It changes its own znodes alone. The first member gets session.ErrForeign
//     if the directory has data other than an IP address, or znodes of another
//     recipe, such as a contender or an item. In a directory with other
//     children, a round raises the version of the directory and changes nothing
//     else.
//   - Enter returns only if count members were at the barrier at one instant.
//     The transaction that creates the znode "ready" checks that. From then on
//     that znode counts, not the number of members: a slow member enters
//     although fast members have left again.
//   - Exactly count members enter. If more have come, the first enter, and the
//     others get ErrFull.
//   - Leave returns nil only when no member of the round is inside.
//   - A barrier can be used again at once. Rounds cannot be mixed up: a member
//     belongs to the round whose "ready" was created after its own znode, by
//     the zxids of both.
//   - A member that dies does not block the others, nor the next round: it has
//     left when its session ends.
//   - A failed or cancelled call leaves no member's znode, no goroutine and no
//     waiter. If all members of a round have died or have not completed Leave,
//     the znode "ready" stays until the first member of the next round comes.
//
// # What it does not promise
//
//   - Members can die inside. To enter together is not an agreement to finish.
//     The other members learn of a death only when they leave.
//   - If the ctx of a Leave ends, the member has left, although others may be
//     inside.
//   - It does not protect against clients that delete its znodes.
//
// # What ctx governs
//
// The ctx of every call bounds that call, never the visit. If ctx has ended and
// the barrier is ready, Enter leaves again and fails. For the other members,
// that member has left.
//
// # States of a member
//
//	        Enter             ready, and we count           Leave           no member inside
//	outside ─────> waiting ─────────────────────> inside ─────────> leaving ─────────────> outside
//	                │  ^ │                          │
//	      ctx ended │  └─┘ znode or session gone:   │ znode deleted, session expired,
//	                v      enters again             v trust elapsed, manager closed
//	             outside                          lost: errors.Is(v.Err(), session.ErrLost)
//
// # Layout
//
// A Barrier is the persistent znode at its path, as with Curator's
// DistributedBarrier and kazoo's Barrier.
//
// A Double is a directory, as with Curator's DistributedDoubleBarrier and
// kazoo's DoubleBarrier: an ephemeral znode for each member, and the persistent
// znode "ready". A member's znode has a UUID as its name, or "member-" and the
// member's id. Its data is JSON, {"id":…,"host":…,"pid":…,"visit":…,"count":…}. Children
// with such names are members, and children with 32 hexadecimal digits, as
// kazoo's. Other children are ignored. The data of "ready" is JSON,
// {"round":…,"members":[…]}. The round is the data version of the directory,
// which the transaction raises that creates "ready". Other libraries ignore the
// data of both.
//
// Members of Curator and kazoo count every child, and use count as a threshold.
// If they share a path with Docent, no more than count members may come, and
// the promises hold as far as these libraries keep them: kazoo deletes "ready"
// as soon as the first member leaves, so that a slow member may miss it.
package barrier
