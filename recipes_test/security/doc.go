// Package security proves, on a real ZooKeeper and on the embedded server,
// what docs/security.md says: that access control lists keep strangers out of
// what every recipe makes, that a connection by TLS fails clearly where it
// must, and that users log in by SASL. It holds tests alone.
package security
