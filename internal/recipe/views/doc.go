// Package views keeps a cached copy of one node, of the names of its children,
// or of a tree of nodes. The session's watches keep the copy current.
//
// A Node copies one node, and a Tree copies a node and its descendants. They
// read when a watch fires, after a reconnection, in a new session, and on
// request. They follow a node through deletion and re-creation. Their states
// never go back in history, unless a server has lost its history. order.go says
// how that is decided.
//
// Reading the copy is one atomic load. A reader that waits for changes waits
// for the channel of the state that it has seen, and then loads the newest
// state. Readers are not registered. A reader cannot miss the last change, and
// a slow reader skips intermediate states.
//
// # What a Tree costs
//
// A Tree sets one persistent recursive watch (core.Session.Follow). It lists
// the directories level by level and reads the nodes in batches
// (core.Session.ReadManyFunc). It processes the answers of one batch while the
// server works on the next. Afterwards, an event says which node was created,
// deleted or changed. The Tree reads a created or changed node. For a created
// or deleted node it also reads the stat of the directory. It lists nothing.
// After a reconnection it reads everything again.
//
// The states are persistent maps (internal/base/treap): a new state shares its
// unchanged parts with the previous state, and TreeState.Since finds the rest.
// So the time and the memory of a change grow with the number of changed nodes,
// and with the logarithm of the number of all nodes.
//
// The first change is read at once. Later changes within TreeConfig.Pause are
// read together at the end of the pause. So a burst of changes costs one round
// of reads for each Pause, whichever nodes change. The pause also makes it
// likely that nothing changes during a round.
//
// Servers before ZooKeeper 3.6 have no such watch. There each read leaves a
// one-shot watch, two for each node. After a reconnection, only the changed
// nodes are read.
//
// # A Tree is one view
//
// A state of a Tree shows all nodes as the ensemble had them at one instant. A
// transaction over several nodes is seen as a whole or not at all. A reading is
// stained when its node may have changed since. Invariant: a reading that is
// not stained was true at the time of every answer that was processed since. So
// a round of reads that leaves no stained reading was true at the time of its
// last answer, and is published. The proof:
//
//  1. The watch is set before the first read is sent. A server sends a session
//     the event of a change before the answer to any read of that session that
//     it executes later. So at the time of an answer, the events of all changes
//     that the answer could show have arrived. The Tree processes them before
//     the answer (absorb, then take).
//  2. An event stains the reading of its node, whether answered or outstanding.
//     A read that races with a change is therefore repeated. Its event arrives
//     before or after its answer, and the Tree never assumes that the answer
//     already showed the change.
//  3. The creation or deletion of a child updates the list of its directory, if
//     that list was answered. An outstanding list is stained, and repeated. The
//     same step stains the stat of the directory, so no state is published
//     between the events of one transaction.
//  4. An event may report a change that a later read has already shown. It does
//     no harm to apply it again: the last event of a path decides whether the
//     node exists, and a node that was created again is read again.
//  5. A lost connection may have lost events. Follow then reports Resumed,
//     before any answer of the new connection. All readings are stained, and
//     the answers to earlier requests are discarded.
//
// For one-shot watches the proof is shorter: every reading left a watch that
// had not fired by the time of the last answer.
//
// A stream of changes may leave no such moment for TreeConfig.Patience (a
// second; at least two Pauses). Then a state is published that says that it is
// Torn: each node is correct by itself and has not gone back, but the nodes may
// not have been like this at the same instant. One such state is published for
// each Patience until the stream ends. The reader decides whether a torn state
// is sufficient.
//
// Of a node of TreeConfig.ReadOnce, only creation and deletion are followed.
// The statements above about one instant do not hold for its data.
//
// # Nodes that may not be read
//
// A node that the session may not read does not keep the others from being
// current. The state reports the error (TreeState.Err, TreeNode.Err), and shows
// the node and its descendants as they were last seen. The Tree reads the node
// again, with growing pauses. Servers withhold the events of hidden nodes, so
// the Tree may notice late that a hidden node exists: treelook.go says when.
package views
