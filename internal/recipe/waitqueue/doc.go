// Package waitqueue is the wait queue of locks and elections: ephemeral sequential
// nodes in one directory. The contender with the first node holds.
//
// Contenders may be of several kinds, such as readers and writers. Kinds that
// are compatible (Config.Compatible) may hold at the same time. A contender
// waits only for the incompatible contenders before it.
//
// A contender watches the last but one of its predecessors, and then the last:
// its direct predecessor. So a release wakes two contenders, never more: the
// one that holds next, and the one behind it, which prepares its turn while the
// other holds. The release of a writer wakes all readers directly behind it,
// which hold together.
//
// The node names have Curator's layout: "_c_", a guid, "-", a tag and the
// sequence number. Nodes with other layouts count as contenders if their tags
// are configured. All other children of the directory are ignored.
//
// # The way to the front
//
//	    Enter: create + list            list ◀────────────────────┐
//	            │                        │                        │
//	            └───────▶ look ◀─────────┴── list and watches, ─┐ │
//	                       │                 in one packet      │ │
//	 ┌──────────┬──────────┴─┬───────────────┐                  │ │
//	 │ none     │ one        │ more          │ see apart        │ │
//	 │ before   │ before     │ before        │                  │ │
//	 │          ▼            ▼               ▼                  │ │
//	 │       prepared       far            apart                │ │
//	 │        │    │         │ the one      │                   │ │
//	 │        │    │         │ before the   │                   │ │
//	 │        │    │         │ predecessor  │                   │ │
//	 │        │    │         │ is gone      │                   │ │
//	 │        │    │         └──────────────│───────────────────┘ │
//	 │        │    └────────────────────────┴─────────────────────┘
//	 │        │         the predecessor is gone; for prepared, without proof
//	 ▼        ▼
//	Hold ◀────┘ the predecessor is gone, with proof
//
//	far       watches the one before the predecessor
//	prepared  watches the predecessor and the own node, by one packet
//	apart     watches the predecessor, which may leave a successor, or behind
//	          which several contenders of compatible kinds may wait
//
// In every state, the end of the own node or of the session leads to a new
// Enter. After the end of ctx, the node is deleted in the background.
//
// A contender never returns a hold of a session that has ended. After the end
// of its ctx it returns no hold, even if it has become first.
//
// # What is proven before a hold
//
// A hold needs two proofs. The first: at one instant of ZooKeeper's history,
// our own node existed, and no contender for which it waits existed before it.
// The second: the session is trusted, which core.Node.Hold ensures. The first
// proof uses three facts.
//
//   - The number of contenders before ours never grows. The server numbers the
//     nodes in the order in which it creates them, so a list that shows our
//     node shows all earlier ones. Only successors (Config.Successors) come
//     later. A node that a stranger creates with a smaller number breaks this,
//     as it breaks every such wait queue.
//   - On one connection, a server reports changes to a session in their order.
//     It sends an event before the answer to any read that it executes later.
//   - On the next connection, no read is older than an answer of an earlier
//     connection. It may be older than an event of an earlier connection,
//     because events carry no zxid.
//
// Each transition of the diagram has its own obligation:
//
//   - look → Hold: the list contains our node, and no contender before it.
//     Enter ensures that its list contains our node. Every other list is
//     checked here.
//   - look → far, look → apart: no obligation. A watch can only delay the next
//     look.
//   - look → prepared: the list contains our node and, before it, only the
//     predecessor, which leaves no successor. The end of the one before the
//     predecessor is not a proof: it may have given up while others are before
//     it. Even without others, its end is only an event, which the next
//     connection may not show yet.
//   - prepared → Hold: our node existed at the predecessor's end. The
//     predecessor was first and is gone, by an event or by its read. If the
//     server executed the watched read of our node before that end, it would
//     have sent the deletion of our node before the predecessor's deletion. If
//     it executed the read after that end, the read has found our node. A
//     server does not send the deletion of a node that the session may not
//     read. So if our node was hidden after the read, its existence is an
//     assumption, which the first probe of the hold discharges: a hold that
//     began without its node ends at the latest staleAfter sixtieths of the
//     timeout and a round trip later (see core.Hold). If no request of the
//     session is a fresh proof, core.Node.Hold checks our node before the hold
//     begins. A turn by a list assumes nothing, since the list shows a hidden
//     node. A predecessor that was hidden after its read only delays the hold:
//     a check of the watch finds its end. That check is a read on the same
//     connection. Either our node was not deleted before the check, or the
//     session was told of its deletion earlier.
//   - prepared → list: no obligation, and no proof. After a reconnection a
//     server sends the missed events in any order. If the session may not read
//     the predecessor, a read finds its end, which is not ordered with the
//     events. A write to our node uses its watch up until the session has read
//     the node again.
//
// A server that lags shows an earlier instant of the same history. The instant
// of the proof is the predecessor's end, as that server reported it.
//
// # Turns that are not prepared
//
// A writer behind a writer does not prepare its turn: the predecessor may be
// downgraded, and leave a reader in its place. Curator creates the reader at
// any time before it deletes the writer, so no list from before that end is
// sufficient.
//
// A reader behind two or more writers does not prepare its turn either. All
// readers between two writers would watch the same node, whose end would wake
// all of them without a hold. Behind a single writer, a reader prepares its
// turn as every contender does.
package waitqueue
