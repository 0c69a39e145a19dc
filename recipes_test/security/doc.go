// Package security proves the statements of docs/security.md, on a real
// ZooKeeper and on the embedded server. ACLs protect the nodes of every recipe
// from other users. A connection by TLS fails with a clear error. Users log in
// by SASL. The package has only tests.
package security
