// Package line is the line of contenders in which locks and elections stand:
// ephemeral sequential nodes in one directory, of which the first holds.
//
// Where contenders are of several kinds, some may hold at the same time, as
// readers do: then a contender waits for those before it who are not beside it
// (Config.Beside), and for nobody else.
//
// A contender watches the last but one of those it waits for, and then the last: its
// predecessor. So a release wakes two contenders, never more: the one that holds next,
// and the one behind it, which prepares its turn while the other holds. The release of a
// writer wakes all readers directly behind it, which hold together.
//
// The layout is Curator's: "_c_", a guid, "-", a tag and the sequence number.
// Other layouts are counted as contenders when their tags are given; any other
// child of the directory is a stranger's and is ignored.
//
// # The way to the front
//
//	    Enter: create + list            list ◀────────────────────┐
//	            │                        │                        │
//	            └───────▶ look ◀─────────┴── list and watches, ─┐ │
//	                       │                 in one packet      │ │
//	 ┌──────────┬──────────┴─┬───────────────┐                  │ │
//	 │ none     │ one        │ more          │ an heir, or      │ │
//	 │ before   │ before     │ before        │ beside many      │ │
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
//	apart     watches the predecessor
//
// In every state, the end of the own node or of the session leads to a new Enter. The
// end of ctx has the node removed in the background.
//
// A contender never returns a hold from a session that has ended, nor after
// its ctx has ended: a done ctx beats a free place.
//
// # What is proven before a hold
//
// A hold needs two proofs. The first: at one instant of ZooKeeper's history, our own node
// existed, and no contender before it that keeps it waiting. The second: the session is
// trusted, of which core.Node.Hold makes sure. The first proof uses three facts.
//
//   - The contenders before ours only become fewer. The server numbers the nodes in the
//     order in which it creates them, so a list that shows our node shows all earlier
//     ones. Heirs alone come later. A node that a stranger creates with a smaller
//     number breaks this, as it breaks every such line.
//   - On one connection, a server tells a session of changes in their order. It sends
//     an event before the answer to any read that it executes later.
//   - On the next connection, no read is older than an answer of an earlier connection.
//     It may be older than an event of an earlier connection: events carry no zxid.
//
// Each change of the diagram has its own obligation:
//
//   - look → Hold: the list has our node, and no contender before it. Enter makes sure
//     that its list has our node; every other list is checked here.
//   - look → far, look → apart: no obligation. Any watch only delays a look.
//   - look → prepared: the list has our node and, before it, the predecessor alone,
//     which leaves no heir. That the one before the predecessor is gone is not enough:
//     it may have given up while others stand before it. Even where no other stood
//     there, its end was an event, which the next connection may not know yet.
//   - prepared → Hold: our node existed at the predecessor's end. The predecessor was
//     first and is gone, by an event or by its read. If the server has executed the
//     watched read of our node before that end, it would have sent the deletion of our
//     node before the predecessor's. If it has executed the read after that end, the
//     read has found our node.
//     The deletion of a node that the session may not read is not sent. So for our node,
//     if it was hidden after the read, this is an assumption. The first probe of the hold
//     discharges it: the hold begins without its node, and ends staleAfter sixtieths of the
//     timeout and a round trip later (see core.Hold). If no request of the session is a
//     fresh proof, core.Node.Hold checks our node before the hold begins. A turn by a list
//     assumes nothing, since the list shows a hidden node.
//     A predecessor that was hidden after its read only delays the hold: its end is found
//     by a check of the watch. That check is a read on the same connection. Our node has
//     not been deleted before it, or the deletion was told before.
//   - prepared → list: no obligation, and no proof. After a reconnection a server sends
//     the events that were missed in any order. The end of a predecessor that the
//     session may not read is found by a read, and not told in order. A write to our
//     node uses its watch up until the session has read the node again.
//
// A server that lags shows an earlier instant of the same history. The instant of the
// proof is the predecessor's end, which that server has told.
//
// # Turns that are not prepared
//
// A writer behind a writer does not: the predecessor may be downgraded, and leave a
// reader in its place. Curator creates the reader at any time before the writer goes,
// so no list that was taken before that end is enough.
//
// A reader behind two writers or more does not either. All readers between two writers
// would watch the same node, whose end would wake all of them without a hold. Behind a
// single writer, a reader prepares its turn as every contender does.
package line
