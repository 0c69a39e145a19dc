// Package mirror keeps a cached copy of one node, or of the names of its
// children, current on the session's shared watches.
//
// A Mirror reads when a watch fires, when the connection has come back, when
// there is a new session, and when it is asked to; it never polls. It follows
// the node through deletion and re-creation. What it shows only ever goes
// forward (order.go says how that is decided, and what ends it: a server that
// has lost its history).
//
// Reading the copy is one atomic load. Whoever waits for changes waits for the
// channel of the state it has seen, and then loads the newest: nobody is
// registered, nobody can miss the last change, and a slow reader skips what
// came in between.
package mirror
