// Package security proves, on a real ZooKeeper and on the embedded server,
// what docs/security.md says: that access control lists keep strangers out of
// what every recipe makes, and that a connection by TLS fails clearly where it
// must. It holds tests alone.
package security
