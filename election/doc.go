// Package election elects a leader among any number of candidates.
//
//	e := election.New(sm, "/leaders/scheduler", election.ID("host-7"))
//	err := e.Run(ctx, func(ctx context.Context, t *election.Term) error {
//		return schedule(ctx) // ctx ends when the leadership can no longer be trusted
//	})
//
// # What an Election promises
//
//   - At most one Term on a path has a live context at any instant, over all
//     processes. The context of a lost Term ends before ZooKeeper can let
//     another candidate lead: at the session's trust deadline, which is before
//     the earliest moment at which a server may expire the session.
//   - Candidates lead in the order in which they joined. A candidate joins
//     again, as the last, after its session has ended or another client has
//     deleted its znode.
//   - Term numbers (Term.Token) grow, even if the path was deleted and created
//     again in between.
//   - No candidate leads with a znode of a session that has ended.
//   - Run starts a term only after the function of the term before has
//     returned.
//   - A failed or cancelled call leaves no znode, no goroutine and no waiter.
//   - An election writes and deletes the candidate's own znode and the transfer
//     znode of a session alone. A Transfer raises the version of the directory,
//     once it has found the candidate there, and keeps the directory's data.
//   - The end of a term wakes two candidates, the next leader and its
//     successor, and the observers.
//   - A transfer (Election.Transfer) never makes two candidates lead: the
//     leader keeps its znode until it has resigned. No candidate steps aside
//     twice for one transfer request. A request names one candidate of the
//     moment, not later candidates with the same id. It ends with its Transfer,
//     or with its session.
//
// In the layout OneNode candidates have no order: the first candidate that
// creates the znode leads, the end of a term wakes every candidate, and there
// are no transfers.
//
// # What it does not promise
//
//   - It cannot stop a paused leader (by a garbage collector, a debugger, a
//     suspended virtual machine). The leader runs on for a moment after the
//     pause, until it looks at its context. Give Term.Token to the store that
//     you write to, or put Term.Guard into the transaction. A one-node election
//     has no guard: session.ErrNoGuard.
//   - Leader, Changes and Participants return the first candidate as the
//     connected server knows it. The server may lag behind, and the candidate
//     may not know yet that it leads. Do not decide by them which process may
//     write.
//   - It does not protect against clients that delete a candidate's znode.
//   - It cannot force a leader to resign. A leader that does not look at its
//     context or at Term.Transferred stays the leader, and so does a leader in
//     Java.
//   - A candidate that has stepped aside is the last in the queue. It does not
//     get its place back, even if the candidate that it let pass has gone.
//
// # What ctx governs
//
// The ctx of Campaign bounds the wait, never the term. The ctx of Run bounds
// everything. If ctx has ended and the leadership is vacant, the call fails.
//
// # States
//
//	         Campaign            first, and no other candidate is named
//	(idle) ───────────> waiting ──────────────────────────────────────> leading ── Resign ──> resigned
//	                     │  ^ │                                          │  └─ another is named:
//	           ctx ended │  │ │ znode deleted, session ended, or         │     Transferred; leads on
//	                     v  └─┘ first while another is named:            │     until Resign
//	                  failed    joins again as the last                  │
//	                                                                     │ znode deleted, session expired,
//	                                                                     v trust elapsed, manager closed
//	                                                                    lost   errors.Is(Err(), session.ErrLost)
//
// # Layout
//
// An election is a directory. Each candidate is an ephemeral sequential znode
// in it, with the name that Curator's LeaderLatch uses,
// "_c_<uuid>-latch-<seq>". With Layout(LeaderSelector) the name is the one of
// Curator's LeaderSelector, "_c_<uuid>-lock-<seq>". The znode's data is the
// candidate's id in UTF-8, as in Curator: candidates in Java and in Go may
// campaign on one path, and read each other's ids. Other znodes in the
// directory are ignored. The directory is a container znode, which the server
// removes once it is empty, if the server supports containers.
//
// A transfer request is an ephemeral znode "transfer" in the directory, owned
// by the operator's session: {"id": the next leader, "node": the name of its
// znode}. Curator's recipes sort znodes without their tag by the whole name:
// this znode sorts after all candidates, and no candidate waits for it. While
// it exists, Curator's lists of participants have it as an additional entry.
// Candidates learn of it by a watch on its path, which a session sets once and
// which costs no further request. The request is not written into a candidate's
// znode: a LeaderLatch stops watching its predecessor once the predecessor's
// data has changed, and would wait forever.
//
// With Layout(OneNode) the election is a single ephemeral znode at the path
// itself, with the leader's payload, or its id.
package election
