// Package onenode is the base of the one-node lock and the one-node election:
// one ephemeral node at a known path. The session that has made the node holds.
//
// It costs less than a wait queue (package waitqueue): a create and a watched read,
// without a directory or a list. It is not fair. When the node is deleted, all
// contenders are woken, and the first to create it holds.
//
//	                    create
//	Acquire ──────────────────────────> watched read of our own node ──> Hold
//	   ^        │ it exists already                                        │
//	   │        v                                                          v
//	   └── watch it until it is gone       Release, or lost: see core.Hold
//
// The data of the node belongs to the caller alone. The owner of the node tells
// contenders of different sessions apart. Contenders of one session take turns
// (core.Session.Claim).
package onenode
