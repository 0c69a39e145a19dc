// Package sasl logs a client in to a ZooKeeper server by SASL: it computes the
// tokens of a login and checks the tokens of the server. It does no I/O.
//
// A login happens on every connection, after the handshake and before any other
// request. The client sends a request of the kind sasl with a token, and the server
// answers with a token of its own. That goes on until the mechanism says that the login
// is complete. internal/conn has the loop.
//
// [DigestMD5] is the mechanism of a server whose JAAS file names users and
// passwords. Other mechanisms implement [Mechanism]; GSSAPI fits, for one.
package sasl
