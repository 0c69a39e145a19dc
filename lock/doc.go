// Package lock has distributed locks on ZooKeeper.
//
//	m := lock.New(sm, "/locks/orders")
//	err := m.Do(ctx, func(ctx context.Context, h *lock.Hold) error {
//		return store.Write(ctx, row, h.Token()) // ctx ends when the hold can no longer be trusted
//	})
//
// # What a Mutex promises
//
//   - At most one Hold on a path has a live context at any instant, over all
//     processes. The context of a Hold that is lost ends before ZooKeeper can
//     let anybody else in: at the session's trust deadline, which lies before
//     the earliest moment at which a server may expire the session.
//   - Waiters come in the order in which they asked, over all processes. One that
//     starts again because its session has ended, or because somebody deleted
//     its node, starts at the end.
//   - Tokens grow: a Hold's Token is greater than that of every Hold on the path
//     before it, even when the path was deleted and made anew in between.
//   - Nothing stays behind: neither a failed call nor a cancelled one leaves a
//     node, a goroutine, or a waiter; what has to be removed is removed in the
//     background, whatever becomes of the caller's context.
//   - A release wakes one waiter.
//
// # What it does not promise
//
//   - It cannot stop a process that was paused (by a garbage collector, a
//     debugger, a suspended virtual machine) while it held: the process runs on for a moment
//     after it is continued, until it looks at its context. Give Hold.Token to the
//     store that you write to, or put Hold.Guard into the transaction.
//   - It is not reentrant. Go has no identity of goroutines: a second Lock in the
//     same process waits like anybody else. Pass the Hold along instead.
//   - It does not protect against clients that delete the lock's nodes. They make
//     the holder lose its hold (session.ErrDeleted) at once, but for the moment
//     that the news takes to arrive two may think that they hold.
//
// # What ctx governs
//
// The ctx of Lock, TryLock and Do bounds the waiting, never the hold; only Do
// also hands it on to its function. A ctx that is done beats a lock that is
// free.
//
// # States
//
//	         Lock                first in line
//	(idle) ───────> waiting ──────────────────> held ── Release ──────────> released
//	                 │  ^ │                      │                   Err() = ErrReleased
//	       ctx ended │  │ │ node deleted,        │ node deleted, session expired, trust
//	                 v  └─┘ session ended:       │ elapsed, manager closed
//	              gave up   again from the end   v
//	                                            lost    errors.Is(Err(), session.ErrLost)
//
// # Layout
//
// A lock is a directory; each contender is an ephemeral sequential node in it,
// named as Curator's InterProcessMutex names its own: "_c_<uuid>-lock-<seq>". It
// holds JSON, {"id":…,"host":…,"pid":…}, which other libraries ignore. Nodes
// with "__lock__" in place of "lock-" (kazoo's) count as contenders too; whatever
// else lies in the directory is ignored. The directory is a container node,
// which the server removes once it is empty, where servers know containers.
//
// The following may share a path with a Mutex:
//
//	Curator InterProcessMutex          yes
//	go-zookeeper zk.Lock               yes, as long as no stranger's node lies in the directory
//	kazoo Lock                         with extra_lock_patterns=["-lock-"], and no Curator on the path
//	kazoo Lock, node name "-lock-"     yes
package lock
