// Package standing keeps an ephemeral node of ours in existence from one
// session to the next: the registration of a service, or the membership in a
// group. The node stands while it exists and our present session owns it;
// otherwise it is away.
//
//   - The node always belongs to the present session. A node that an earlier
//     session of the same Manager left behind is replaced, never adopted: the
//     server is about to remove it.
//   - As long as the session lives, nothing is written, however often the
//     connection is lost.
//   - The node holds the newest data, also after an outage during which the
//     data changed.
//   - If another client deletes the node, it is made again, after growing
//     pauses.
//   - After Close no node of ours is left, whatever was under way. The removal
//     is repeated until it is done, or the session has ended.
//   - A node of another process is deleted only under the policy Replace, and
//     only if it was opened before ours. The newest has the path for good, so
//     that two processes never take it from each other in turns.
//
// # The owner of the node
//
// The ephemeralOwner of a node at our path decides what happens to it:
//
//	our present session       ours: the answer to our create was lost
//	an earlier one of ours    a ghost: deleted and made anew in one transaction
//	none                      not ephemeral, made by hand: core.ErrNotEphemeral
//	any other session         Config.Conflict decides
//
// # One goroutine
//
// Each Node has one goroutine, its keeper. The keeper sends all requests, one
// after the other, and ends after Close. Its requests have no deadline but the
// session's end: otherwise an abandoned create could reach the server after the
// delete that was to undo it.
package standing
