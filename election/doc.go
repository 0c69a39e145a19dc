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
//     processes. The context of a Term that is lost ends before ZooKeeper can let
//     anybody else lead: at the session's trust deadline, which lies before the earliest
//     moment at which a server may expire the session.
//   - Candidates lead in the order in which they came. One that starts again
//     because its session has ended, or because somebody deleted its node,
//     starts at the end.
//   - Term numbers (Term.Token) grow, even when the path was deleted and made
//     anew in between.
//   - No candidate leads with a node of a session that has ended.
//   - Run starts no term before the function of the one before it has returned.
//   - Nothing stays behind: neither a failed call nor a cancelled one leaves a
//     node, a goroutine, or a waiter.
//   - Nothing is written to or deleted but the candidate's own node and the transfer
//     node of a session. A Transfer raises the version of the directory, and leaves its
//     data; it does so once it has found the candidate there.
//   - The end of a term wakes two candidates, the next leader and the one after it,
//     and those who observe.
//   - A transfer (Election.Transfer) never makes two lead: the leader keeps its
//     node until it has finished. Nobody steps aside twice for one wish. A wish
//     means the candidate that stood when it was made, and nobody else of that
//     name; it ends with its Transfer, or with the session that it was made in.
//
// In the layout OneNode there is no order: whoever is first to create the node
// leads, the end of a term wakes every candidate, and there are no transfers.
//
// # What it does not promise
//
//   - It cannot stop a leader that was paused (by a garbage collector, a debugger, a suspended
//     virtual machine): it runs on for a moment after it is continued, until
//     it looks at its context. Give Term.Token to the store that you write to, or put
//     Term.Guard into the transaction (which a one-node election cannot have:
//     session.ErrNoGuard).
//   - Leader, Observe and Participants tell who is first in line, as the server
//     that we are connected to knows it. That one may not know yet that it leads, and a server
//     may lag behind. Do not decide by them who may write.
//   - It does not protect against clients that delete a candidate's node.
//   - It cannot make a leader step down. One that does not look at its context or
//     at Term.Transferred goes on leading, and so does one in Java.
//   - A candidate that has stepped aside stands at the end of the line: its old
//     place is lost, also when the one it let pass has gone since.
//
// # What ctx governs
//
// The ctx of Campaign bounds the waiting, never the term. That of Run bounds
// everything. A ctx that is done beats a leadership that is vacant.
//
// # States
//
//	         Campaign            first in line, and no other is named
//	(idle) ───────────> waiting ──────────────────────────────────────> leading ── Resign ──> resigned
//	                     │  ^ │                                          │  └─ another is named:
//	           ctx ended │  │ │ node deleted, session ended, or          │     Transferred; leads on
//	                     v  └─┘ first while another is named:            │     until Resign
//	                  gave up   again at the end                         │
//	                                                                     │ node deleted, session expired,
//	                                                                     v trust elapsed, manager closed
//	                                                                    lost   errors.Is(Err(), session.ErrLost)
//
// # Layout
//
// An election is a directory; each candidate is an ephemeral sequential node
// in it, named as Curator's LeaderLatch names its own: "_c_<uuid>-latch-<seq>";
// with the option LeaderSelector, as Curator's LeaderSelector does:
// "_c_<uuid>-lock-<seq>". It holds the candidate's id as UTF-8, as theirs do: candidates in
// Java and in Go may campaign on one path, and read each other's ids. Whatever else lies in the
// directory is ignored. The directory is a container node, which the server removes
// once it is empty, where servers know containers.
//
// A transfer is an ephemeral node "transfer" in the directory, owned by the operator's session:
// {"id": who shall lead, "node": the name of its node}. Curator's recipes sort
// a node without their tag by its whole name; this one comes behind all
// candidates, where nobody waits for it. While it stands, Curator's
// lists of participants show it as one more. Candidates are told of it by a watch on
// that one path, which a session sets once: it costs no request afterwards. It is not
// written into a candidate's node, because a LeaderLatch does not watch the node before it
// any more once that was written to, and would wait for ever.
//
// With the option OneNode the election is one ephemeral node at the path
// itself, which holds the payload of the leader, or its id.
package election
