// Package session keeps a ZooKeeper session open, and says exactly how long
// what it owns can be trusted.
package session
