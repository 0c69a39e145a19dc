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
//   - A release wakes two waiters: the next holder, and the one behind it.
//   - Nothing is written to or deleted but what a lock has made: its own contender, the
//     contender that Revoke asks, and a limit that holds a number. A directory may be
//     shared with other nodes, which are left as they are.
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
//     the holder lose its hold (session.ErrDeleted), but until the news arrives, or
//     until the holder looks, 10 ms after the hold began, two may think that they
//     hold. Somebody who waits lines up again, at the latest a second later.
//
// # Readers and writers
//
// An RWMutex promises the same, with these differences:
//
//   - Any number of readers or one writer hold at a time. Of two Holds of which
//     one writes at most one has a live context.
//   - All stand in one line. A reader waits for the writers before it and for
//     nobody else; a writer for everybody before it.
//   - A writer's Token is greater than that of every holder before it, a
//     reader's greater than that of every writer before it. Of two readers
//     that shared the lock the tokens say nothing.
//   - WriteHold.Downgrade lets no writer in between, and keeps the Token.
//   - A release wakes the readers directly after a writer, or two contenders at most,
//     which may have to wait for other readers. The release of a reader that is
//     before another reader wakes no contender.
//
// There is no upgrade: two readers that both wanted it would wait for each
// other for ever.
//
// # The one-node lock
//
// An Exclusive promises what a Mutex does, but no order, and a release wakes all
// who wait; its Holds have no Guard. It costs less where few contend.
//
// # Permits
//
// A Semaphore promises:
//
//   - No more permits have a live context at any instant than its limit says,
//     over all processes. Where a shared limit is lowered, no holder loses a
//     permit, and none is given until enough have been released. A limit of 0, or
//     a node that does not hold a limit, keeps all candidates waiting.
//   - Several permits are acquired all or none. Those who wait come in the order
//     in which they asked, whether they want many or few. TryAcquire does not
//     wait, and may come before those who wait but for the first.
//   - A permit given back wakes one waiter.
//   - Tokens differ, and that of a Permit is greater than those of all that were
//     released before it was asked for.
//
// # Several locks
//
// A Multi holds all of its locks or none, and its hold ends with the first that
// is lost. Two Multis never wait for each other for ever: they acquire in the
// order of the paths.
//
// # Handing on
//
// With Handoff the goroutines that share a Mutex value hand the lock on among
// themselves. It promises what a Mutex does, but for two things: others wait for up
// to n holds more, and tokens do not grow from hold to hold but from node to node:
// they never go back, and Hold.Turn tells those apart that are equal.
//
// # Once per interval
//
// A Once runs a job once per interval, however many replicas call for it. It
// promises:
//
//   - Of the calls for one interval, one begins a run. A call begins a run if it
//     comes at least the interval less the slack after the call of the last run. By
//     default the slack is half the interval. A call that has waited does not begin a
//     run if one was called for and has begun after it.
//   - The servers decide. Each call makes a node, and the leader stamps the node with
//     its clock; the run begins with one transaction, which fails if another run has
//     begun since. No replica's clock is read.
//   - Runs do not overlap, even if one goes on for longer than the interval: a run is
//     a Hold. Its Token is greater than that of every run before it.
//   - A run that is lost, or that fails, counts as the run of its interval, unless
//     RerunLost or RerunFailed has another call replace it.
//   - A call that fails or is given up has begun no run, or has taken it back. If its
//     session ends at that moment, the run may be recorded as lost.
//
// The bound, for an interval of 10 minutes:
//
//	slack         the calls of one interval may lie    the job runs again at the earliest
//	              apart by up to
//	5m (default)  5 minutes                            5 minutes after the last call that ran
//	30s           30 seconds                           9 minutes and 30 seconds after it
//	0             nothing: for one caller, or          10 minutes after it
//	              for callers that come often
//
// Three things put calls apart: the difference of the replicas' clocks, the time that
// a replica takes to reach ZooKeeper, and the difference of the servers' clocks if the
// leader changes. If the calls lie further apart than the table says, the job may run
// twice in an interval, or may skip an interval. If the leader's clock goes back by at
// least the interval less the slack, the next call begins a run: the job does not wait
// until that clock has caught up.
//
// What it does not promise: that the job runs in every interval. It does not if no
// replica calls, or if the replica that has begun dies and no call replaces the run.
//
//	never ───────────── due ────────┐
//	done, failed, lost ─ due ───────┼──> running ── End(nil) ──────> done
//	lost ────────────── RerunLost ──┤      │ │
//	lost, failed ────── RerunFailed ┘      │ └───── End(failure) ──> failed
//	                                       │
//	                                       │ node deleted, session expired, trust elapsed
//	                                       v
//	                                      lost
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
// A Mutex is a directory; each contender is an ephemeral sequential node in it,
// named as Curator's InterProcessMutex names its own: "_c_<uuid>-lock-<seq>". It
// holds JSON, {"id":…,"host":…,"pid":…}, which other libraries ignore. Nodes
// with "__lock__" in place of "lock-" (kazoo's) count as contenders too; whatever
// else lies in the directory is ignored. The directory is a container node,
// which the server removes once it is empty, where servers know containers.
//
// An RWMutex is a directory too, in the layout of Curator's
// InterProcessReadWriteLock: "_c_<uuid>-__READ__<seq>" and
// "_c_<uuid>-__WRIT__<seq>", where one that was downgraded keeps its number. An
// Exclusive is one ephemeral node at its path. A path has one kind of lock:
// different kinds do not see each other.
//
// A Semaphore is a directory in the layout of Curator's
// InterProcessSemaphoreV2: those who wait stand as in a Mutex below
// "locks", and each permit is an ephemeral node "_c_<uuid>-lease-<seq>" below "leases". The first
// in line shows the leases that it waits for. A shared limit is a node with four
// bytes, big-endian, as Curator's SharedCount.
//
// A Once is a persistent node that holds its newest run in JSON,
// {"once":"running","id":…,"host":…,"pid":…,"session":…,"run":…,"zxid":…,"called":…},
// with the state "never", "running", "done" or "failed". Each call is an ephemeral
// node below it, "_c_<uuid>-once-<seq>", and "run" is the name of the newest
// run's node. A run that is "running" and whose node is missing is lost. No other
// library has this layout.
//
// To ask a holder to give up, somebody writes "__REVOKE__" into its node, as
// Curator's Revoker does.
//
// The following may share a path with a Mutex:
//
//	Curator InterProcessMutex          yes
//	go-zookeeper zk.Lock               yes, as long as no stranger's node lies in the directory
//	kazoo Lock                         with extra_lock_patterns=["-lock-"], and no Curator on the path
//	kazoo Lock, node name "-lock-"     yes, if it heeds that name too (_EXCLUDE_NAMES)
package lock
