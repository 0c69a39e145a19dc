// Package groupmembership tells who is in a group of processes: which workers
// are alive, what each is doing, who came and who went.
//
//	g := groupmembership.New(sm, "/clusterServers")
//	m, err := g.Join(ctx, "host-7", []byte(`{"load":0.2}`)) // stays in, from session to session
//	defer m.Leave()
//
//	for change, err := range g.Watch(ctx) { // first who is there, then every change
//		for _, e := range change.Events {
//			log.Print(e.Member.ID, " has ", e.Kind)
//		}
//	}
//
// A Partitioner divides numbered partitions among the members of a group: see
// there for what it promises.
//
// # What is promised
//
//   - A member whose process dies is out of the group when its session has
//     expired; one that leaves, or closes its Manager, is out at once.
//   - A Membership lasts from session to session. When one has ended, the member
//     is in again as soon as there is a next, with its newest payload.
//   - As long as the session lives nothing is written but payloads: a server that
//     restarts, or a connection that breaks, is seen by no watcher.
//   - The node that a lost session left behind is never taken for a sign of life.
//     It is replaced at once, by one of the present session.
//   - Two processes are never in a group under one id. The second is told so,
//     and the first is undisturbed, unless the second asks for Replace. Then the
//     second has the place for good.
//   - A member's node, or a claim, that may not be read is told of. It does not
//     stop the rest.
//   - A Change costs what has changed, and not what the group holds.
//   - Nothing is written to or deleted but the member's own node, and with Replace that
//     of a member with the same id; any ephemeral node of that name counts as one, unless
//     it bears the name of a contender or an item. A persistent node is ErrNotMember.
//   - After Leave nothing of the member stays in the group: whatever was under
//     way when it was called, and however often the server does not answer.
//   - Whoever follows the events of a Watch has the members: nothing is left out
//     but what was undone, or done over, in between.
//
// # What is not promised
//
//   - Members and Watch tell what was so a moment ago. A member that crashed is
//     shown until its session expires, and one that is cut off does not know
//     what others see. State tells a member in time whether it may still count
//     itself in. To let one member at a time do something, use a lock or an election.
//   - A Watch shows states, not history: a payload that was written twice
//     between two looks is shown once.
//   - A member that is asked for by id may be another process than the last time:
//     compare Token.
//
// # What ctx governs
//
// The ctx of Join and of UpdatePayload bounds the waiting alone. Leave needs
// none. The ctx of Watch and Changes ends the sequence.
//
// # States of a membership
//
//	        Join                 session ended, node deleted
//	(out) ─────────▶ in ───────────────────────────────────────▶ out, Why is session.ErrLost
//	                 ▲ │ │                                          │
//	                 │ │ └─ another process took the place ▶ out, Why is ErrReplaced
//	                 │ │                                            │
//	                 └─┼──── by itself, as soon as it can ◀─────────┘
//	                   └─ Leave, Manager closed ▶ ended: Done is closed
//
// # Layout
//
// A group is a directory; each member is an ephemeral node in it, named by its
// id, that holds its payload: what Curator's GroupMember writes and reads. A
// payload that is empty here is empty there; Curator writes the address of the
// machine where it is given none. Every ephemeral node in the directory is a
// member, whoever made it; nodes that are not ephemeral are none. The directory
// is a container node where servers know them, and goes when it is empty.
package groupmembership
