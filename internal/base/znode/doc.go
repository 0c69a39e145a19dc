// Package znode has the rules for names of znodes: which paths ZooKeeper
// accepts, how protected names are written, and how sequence numbers are
// ordered.
//
// It does no I/O and imports nothing of the module, so that every other package
// may import it.
package znode
