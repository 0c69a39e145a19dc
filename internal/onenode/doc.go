// Package onenode is what a one-node lock and a one-node election are made of:
// one ephemeral node at a known path, and whoever has made it holds.
//
// It costs less than a line (package line): a create and a watched read, no
// directory, no list. It is not fair: when the node goes, all who wait are woken, and
// the first to create it holds.
//
//	                    create
//	Acquire ──────────────────────────> watched read of our own node ──> Hold
//	   ^        │ it stands already                                        │
//	   │        v                                                          v
//	   └── watch it until it has gone      Release, or lost: see core.Hold
//
// The data of the node is the caller's alone. Contenders are told apart by
// other means: those of different sessions by the owner of the node, those of
// one session by turns (session.Claim).
package onenode
