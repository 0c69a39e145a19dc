// Package mirror keeps a cached copy of one node, of the names of its children,
// or of all that is below it, current on the session's watches.
//
// A Mirror (one node) and a Tree (a node and what is below it) read when a watch
// fires, when the connection has come back, when there is a new session, and
// when they are asked to. They follow a node through deletion
// and re-creation. What they show only ever goes forward (order.go says how that
// is decided, and what ends it: a server that has lost its history).
//
// Reading the copy is one atomic load. A reader that waits for changes waits for the
// channel of the state it has seen, and then loads the newest: no reader is
// registered, none can miss the last change, and a slow reader skips what
// came in between.
//
// # What a Tree costs
//
// A Tree sets one watch, which is recursive and lasts (core.Session.Follow). It lists
// the directories level by level and reads the nodes in batches
// (core.Session.ReadManyFunc). It takes the answers of one batch while the server works
// on the next. After that an event says which node is new, gone or changed. The Tree
// reads a new or a changed node, and for a new or a deleted one its directory's stat; it
// lists nothing. After a reconnection it reads everything again.
//
// The states are persistent maps (internal/treap): a new state shares with the one
// before what has not changed, and TreeState.Since finds the rest. So a change costs the
// time and the memory of what has changed, and a logarithm of what stands.
//
// The first change is read at once. What changes within TreeConfig.Pause after that is
// read together when the pause is over: a burst of changes costs a round of reads for
// each Pause, whichever nodes it is of, and many changes are more likely to leave the
// moment that a round takes alone.
//
// Servers before ZooKeeper 3.6 have no such watch. There each read leaves a watch of one
// shot, two for each node, and only what has changed is read after a reconnection.
//
// # A Tree is one view
//
// A state of a Tree is what the ensemble really had at one instant, all nodes
// together; a transaction over several nodes is seen whole or not at all. Invariant:
// what is known of a node and was not stained since was so at the time of every
// answer that was taken meanwhile. A round of reads that leaves nothing stained shows
// what was so at the time of its last answer, and is published. The proof:
//
//  1. The watch stands before the first read is sent. A server tells a session of
//     a change before it answers any read of that session that it executes later. So at
//     the time of an answer, all events of what that answer could show have arrived, and
//     the Tree takes them before the answer (absorb, then take).
//  2. An event stains the reading of its node, be it answered or under way. A read that
//     races with a change is therefore made once more: the event arrives before or after
//     its answer, and cannot be taken for one that the answer has shown already.
//  3. The creation or the deletion of a child is put into the list of its directory
//     if that was answered. If the list is under way it is stained, and made once more.
//     In the same step the directory's stat is stained, so that no state is published
//     between the events of one transaction.
//  4. An event may tell of what a later read has shown already. Applied once more it does
//     no harm: of the events of one path the last decides whether there is a node, and a
//     node that is made again is read again.
//  5. A connection that was lost has lost events. Follow then tells Resumed, before any
//     answer of the new connection: all that is known is stained, and answers that were
//     asked for before are thrown away.
//
// For watches of one shot the proof is shorter: all that is known was read with a watch
// that has not fired by the time of the last answer.
//
// Under a stream of changes that leaves no such moment for TreeConfig.Patience (a second;
// two Pauses at least), a state is published all the same and says that it is Torn: each
// node is right by itself and has not gone back, but they may not all have stood like
// this at the same instant. There is one such state for each Patience until the stream
// lets up. Whether it will do is the reader's choice.
//
// A node of TreeConfig.ReadOnce is known by its creation alone. What is said above of one
// instant does not hold for its data.
//
// # What may not be read
//
// A node that may not be read does not keep the others from being current: the
// state says why (TreeState.Err, TreeNode.Err) and shows it as it was last seen, with
// what is below it. The node is asked for again with growing pauses. Servers withhold
// the events of hidden nodes, so the Tree may learn late that there is one: treelook.go
// says when.
package mirror
