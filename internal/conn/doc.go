// Package conn is one connection to a ZooKeeper server. The client underneath
// (github.com/go-zookeeper/zk) dials it, shakes hands on it, sends pings and
// closes the session. The session writes every other request to the same
// connection, without the client. Their answers and all watch events are taken
// out of the stream before the client reads it.
//
// The life of a connection:
//
//	dialled ──hello──▶ greeted ──granted──▶ login ──▶ credentials ──▶ watches ──▶ open
//	   │                  │                   │           │              │          │
//	   └──────────────────┴───────────────────┴───────────┴──────────────┴──────────┴──▶ closed
//
// What each transition means:
//
//   - greeted → login: the server has answered the hello with the requested
//     session. This answer proves nothing about a quorum.
//   - login → credentials: the server has accepted the SASL login, if one is
//     configured.
//   - credentials → watches: the server has answered every credential. Watches set
//     earlier would miss the events of nodes that only these credentials let the
//     session read.
//   - watches → open: the requests that set watches again are queued. Servers
//     execute the requests of a session in order, so each later request comes after
//     them.
//   - closed: each call has ended exactly once. Only then does the client's reader
//     return, and only then does the client dial again.
//
// A connection knows which requests were written, answered and withdrawn, and
// which answers prove that a quorum has committed a request. It knows nothing
// about holds.
package conn
