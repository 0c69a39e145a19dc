// Package line is the line of contenders in which locks and elections stand:
// ephemeral sequential nodes in one directory, of which the first holds.
//
// Where contenders are of several kinds, some may hold at the same time, as
// readers do: then a contender waits for those before it who are not beside it
// (Config.Beside), and for nobody else.
//
// A contender watches the last but one of those it waits for, and then the last: its
// predecessor. So a release wakes two contenders, never more: the one that holds next,
// and the one behind it, which prepares its turn while the other holds. Readers are
// woken together, as they hold together. See below.
//
// The layout is Curator's: "_c_", a guid, "-", a tag and the sequence number.
// Other layouts are counted as contenders when their tags are given; any other
// child of the directory is a stranger's and is ignored.
//
// # The way to the front
//
//	     Enter: create + list              list ◀────────────────┐
//	             │                          │                    │
//	             └─────────▶ look ◀─────────┘                    │
//	                          │                                  │
//	 ┌──────────────┬─────────┴──────┬───────────────┐           │
//	 │ nobody       │ one            │ more          │ an heir,  │
//	 │ before       │ before         │ before        │ or beside │
//	 │              ▼                ▼               ▼           │
//	 │          prepared ◀───────── far            apart ────────┤
//	 │           │    │    the one before           the prede-   │
//	 │           │    │    the predecessor          cessor is    │
//	 │           │    │    is gone (and look)       gone         │
//	 │           │    └──────────────────────────────────────────┘
//	 │           │      the predecessor is gone, as another
//	 │           │      connection tells
//	 ▼           ▼
//	Hold ◀───────┘ the predecessor is gone, as the same connection tells
//
//	 far       watches the one before the predecessor
//	 prepared  watches the predecessor and its own node, by one packet, in which
//	           a list goes first if more than two were before
//	 apart     watches the predecessor
//
// From everywhere, the end of the own node or of the session leads to a new Enter, and
// the end of ctx has the node removed in the background.
//
// A contender never returns a hold from a session that has ended, nor after
// its ctx has ended: a done ctx beats a free place.
//
// # What is proven before a hold
//
// A hold begins with two proofs: at some instant of ZooKeeper's history our own node
// stood and no contender stood before it that keeps it waiting; and the session is
// trusted (core.Node.Hold). Two facts carry the first proof from change to change.
//
//   - Those before us only become fewer. The server gives out numbers in the order in
//     which it makes the nodes, and a list that shows our node shows all that were
//     made before it. Heirs alone come later. A node that somebody makes by hand with
//     a smaller number breaks this, as it breaks every such line.
//   - A server tells a session of the changes in their order, on one connection. It
//     tells of an end before it answers a read that was executed after that end.
//
// Each change of the diagram has its own obligation:
//
//   - look → Hold: the list has our node, and nobody before it. For the list of Enter,
//     core.Session.Enter has made sure of our node.
//   - look → prepared: one contender is before us, and it leaves no heir.
//   - look → far, look → apart: nothing. The wait is safe whomever it watches.
//   - far → prepared: of two contenders before us that leave no heirs, one is gone, so
//     the other is first. Of more, the list says so: it has our node and, before it,
//     the predecessor alone. A predecessor that is left while the one before it gave
//     up does not count as first, since the list shows who else stands.
//   - prepared → Hold: the predecessor was first and is gone. Our node stood after its
//     own watched read, which the server has executed before it told of the
//     predecessor's end, or after that end. If our node had been deleted before that
//     end, the server would have told so first; a hold on it fails.
//   - prepared → list: the connection is another than the one that prepared the turn.
//     After a reconnection, a server tells in any order of what was missed, so the end
//     of the predecessor says nothing about our node. The same holds for a predecessor
//     that the session may not read, since no event tells of its end.
//
// A server that lags shows an earlier instant, and no other history: the instant of the
// proof is that of the end of the predecessor as this server tells it.
//
// # Who does not prepare a turn
//
// A writer behind a writer: that one may be downgraded, and leave a reader in its
// place. Curator makes the reader at any time before the writer goes, so no list that
// was taken before the end is enough.
//
// A reader behind two writers or more: all readers between two writers would watch the
// one before the predecessor, whose release would then wake all of them in vain. Behind
// one writer its end is enough for a reader, as for everybody.
package line
