// Package znode knows how znodes are named: which paths ZooKeeper accepts,
// how protected names are written, and how sequence numbers are ordered.
//
// It does no I/O and imports nothing of the module, so that every other
// package may stand on it.
package znode
