// Package mirror keeps a cached copy of one node, of the names of its children,
// or of all that is below it, current on the session's shared watches.
//
// A Mirror (one node) and a Tree (a node and what is below it) read when a watch
// fires, when the connection has come back, when there is a new session, and
// when they are asked to; they never poll. They follow a node through deletion
// and re-creation. What they show only ever goes forward (order.go says how that
// is decided, and what ends it: a server that has lost its history).
//
// Reading the copy is one atomic load. Whoever waits for changes waits for the
// channel of the state it has seen, and then loads the newest: nobody is
// registered, nobody can miss the last change, and a slow reader skips what
// came in between.
//
// # A Tree is one view
//
// A state of a Tree is what the ensemble really had at one instant, all nodes
// together. Each node is read with a watch, and a server tells a session of a
// change before it answers any read of that session that it executes later. So
// if no watch has fired by the time of the last answer of a round of reads, then
// all that is known was so at that moment, whatever was read first, long ago, or
// before the connection was lost. Else what has changed is read again, and only
// that. A transaction over several nodes is seen whole or not at all.
//
// The first change is read at once. Whatever was read within the last
// TreeConfig.Pause waits until that is over, and then all that has changed is
// read in one go: a burst of changes costs a list for each Pause, not for each
// change, and many changes are more likely to leave the moment that it takes
// alone.
//
// Under a stream of changes that leaves no such moment for a second (or two
// Pauses), a state is published all the same and says that it is Torn: each node
// is right by itself and has not gone back, but they may not all have stood like
// this at the same instant. There is one such state a second until the stream
// lets up. Whether it will do is the reader's choice.
//
// A node that may not be read does not keep the others from being current: the
// state says why (TreeState.Err, TreeNode.Err) and shows it as it was last seen,
// and it is asked for again with growing pauses.
package mirror
