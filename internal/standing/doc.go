// Package standing keeps an ephemeral node of ours standing from one session
// to the next: the registration of a service, the membership in a group.
//
//   - The node always belongs to the present session. One that an earlier
//     session of the same Manager left behind is replaced, never adopted: the
//     server is about to remove it.
//   - As long as the session lives, nothing is written, however often the
//     connection is lost.
//   - What stands holds the newest data, also after an outage during which the
//     data changed.
//   - A node that somebody deletes is made again, after pauses that grow.
//   - After Close no node of ours is left, whatever was under way: the removal
//     is repeated until it is done, or the session has ended.
//   - A node of another process is deleted only under the policy Replace, and
//     only if it was opened before ours: the newest has the path for good, and
//     two never take it from each other in turns.
//
// # Who is who
//
// A node that stands at our path already is judged by its ephemeralOwner:
//
//	our present session       ours: the answer to our create was lost
//	an earlier one of ours    a ghost: deleted and made anew in one transaction
//	none                      not ephemeral, made by hand: ErrNotEphemeral
//	anybody else's            Config.Conflict decides
//
// # One goroutine
//
// Each Node has one goroutine, its keeper, which does all the reading and
// writing, one request after the other, and ends after Close. Its requests
// have no deadline but the session's: a create that was abandoned half-way
// could come to the server behind the delete that was to undo it.
package standing
