// Package conn is one connection to a ZooKeeper server. The client underneath
// (github.com/go-zookeeper/zk) dials it, shakes hands on it, pings and says goodbye;
// every other request leaves on the same connection without the client. Their answers
// and all watch events are taken out of the stream before the client reads it.
//
// The life of a connection:
//
//		dialled ──hello──▶ greeted ──granted──▶ login ──▶ credentials ──▶ watches ──▶ open
//		   │                  │                   │           │              │          │
//		   └──────────────────┴───────────────────┴───────────┴──────────────┴──────────┴──▶ closed
//
//	  - greeted → login: the server has answered the hello with the session that was
//	    meant. That proves nothing of a quorum.
//	  - login → credentials: the server has taken the login by SASL, if there is one.
//	  - credentials → watches: the server has answered every credential. Before that,
//	    it would withhold the events of nodes that only they let the session read.
//	  - watches → open: the requests that set watches again are queued. Servers execute
//	    the requests of a session in order, so each later request comes after them.
//	  - closed: each call has ended exactly once. Only then does the client's reader
//	    return, and only then does the client dial again.
//
// A connection knows what was written, answered and withdrawn, and which answers
// prove that a quorum has committed a request. It knows nothing of holds.
package conn
