// Package kerberos logs in to ZooKeeper servers with Kerberos (SASL GSSAPI):
// with a keytab, with a credential cache of kinit, or with a password. It uses
// the library gokrb5 and no C library.
//
//	sm, err := session.Dial(ctx, session.Config{
//		Servers: []string{"zk1.example.com:2181"},
//		SASL:    kerberos.Keytab("orders@EXAMPLE.COM", "/etc/orders.keytab"),
//		ACL:     session.CreatorACL(),
//	})
//
// # What is promised
//
//   - Every connection logs in, and each side proves to the other that it has
//     its key.
//   - A session outlives its tickets. The next connection takes a new ticket: with
//     the key of the keytab, with the password, or from the cache, which another
//     process renews.
//   - A ticket for a server is kept in memory until it expires. So a connection
//     can begin while no KDC (key distribution center) answers.
//   - If a server rejects a ticket, the next login takes a new one.
//   - The ctx of Start bounds all requests to KDCs. No goroutine is left behind.
//   - An error says who rejects what, and what to do. No error, and no printed
//     value, has a password or a key.
//
// # What is not promised
//
// Requests after the login are neither signed nor encrypted: use TLS. Credential
// caches must be files. A password is proved by an encrypted time stamp alone, so
// principals that need PKINIT, FAST or a one-time password need a cache of kinit.
// The guide on security has the whole list, and the server's side.
package kerberos
