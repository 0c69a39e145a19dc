// Package groupmembership shows which processes are in a group: which workers
// are alive, what each is doing, which ones come and go.
//
//	g := groupmembership.NewGroup(sm, "/clusterServers")
//	m, err := g.Join(ctx, "host-7", []byte(`{"load":0.2}`)) // stays in, from session to session
//	defer m.Leave(context.Background())
//
//	for change, err := range g.Changes(ctx) { // first the present members, then every change
//		if err != nil {
//			log.Print(err) // the members are not known for now
//			continue
//		}
//		for _, e := range change.Events {
//			log.Print(e.Member.ID, " has ", e.Kind)
//		}
//	}
//
// A Partitioner divides numbered partitions among the members of a group: its
// documentation says what it promises.
//
// # What is promised
//
//   - A member whose process dies is out of the group when its session has
//     expired. A member that leaves, or closes its Manager, is out at once.
//   - A Membership lasts from session to session. After the end of a session,
//     the member comes back in as soon as there is a next one, with its newest
//     payload.
//   - As long as the session lives, only payloads are written. A server that
//     restarts, or a connection that breaks, is not visible to watchers.
//   - The znode of a lost session is never taken for a sign of life. It is
//     replaced at once by a znode of the present session.
//   - Two processes are never in a group under one id. The second gets
//     session.ErrIDTaken, and the first is undisturbed, unless the second uses
//     Replace. Then the second has the place for good.
//   - If the znode of a member, or a claim, may not be read, an error says so.
//     The other members are still shown.
//   - The cost of a Change is what has changed, and not the size of the group.
//   - Only the member's own znode is written to or deleted, and with Replace
//     the znode of a member with the same id. Any ephemeral znode of that name
//     counts as one, unless it has the name of a contender or an item. A
//     persistent znode is left as it is: Join returns session.ErrNotEphemeral.
//   - After Leave, nothing of the member stays in the group, whatever was under
//     way when it was called, and however often the server does not answer.
//   - The events of a loop over Changes, applied in order, give the members.
//     Only changes that were undone or overwritten in between are left out.
//
// # What is not promised
//
//   - Members and Changes show a past state. A member that crashed is shown
//     until its session expires, and a member that is cut off does not know
//     what others see. Membership.State tells a member in time whether it may
//     still count itself in. To let one member at a time do something, use a
//     lock or an election.
//   - Changes shows states, not history: a payload that was written twice
//     between two reads is shown once.
//   - An id may belong to another process than the last time: compare Token.
//
// # What ctx governs
//
// The ctx of Join, UpdatePayload and Leave bounds only the wait. The ctx of
// both Changes ends the sequence.
//
// # Errors
//
// Every error is a *session.OpError, with the path of the group, the member or
// the partitioner. errors.Is finds the reason: a sentinel of package session,
// ErrPartitionCount, or the error of ctx.
//
// # States of a membership
//
//	        Join                 session ended, znode deleted
//	(out) ─────────▶ in ───────────────────────────────────────▶ out, Err is ErrLost
//	                 ▲ │ │                                          │
//	                 │ │ └─ another process took the place ▶ out, Err is ErrReplaced
//	                 │ │                                            │
//	                 └─┼──── by itself, as soon as it can ◀─────────┘
//	                   └─ Leave, Manager closed ▶ ended: Done is closed
//
// # Layout
//
// A group is a directory. Each member is an ephemeral znode in it, with the id
// as its name and the payload as its data: the layout of Curator's GroupMember.
// An empty payload is written as empty data. Curator, without a payload, writes
// the address of the machine. Every ephemeral znode in the directory is a
// member, whichever client created it. Other znodes are not members. The
// directory is a container, if the server supports containers, and goes when it
// is empty.
package groupmembership
