// Package lock provides distributed locks on ZooKeeper.
//
//	m := lock.NewMutex(sm, "/locks/orders")
//	err := m.Do(ctx, func(ctx context.Context, h *lock.Hold) error {
//		return store.Write(ctx, row, h.Token()) // ctx ends when the hold can no longer be trusted
//	})
//
// # What a Mutex promises
//
//   - At most one Hold on a path has a live context at any instant, over all
//     processes. The context of a lost Hold ends before ZooKeeper can let
//     another contender in. It ends at the session's trust deadline, which lies
//     before the earliest moment at which a server may expire the session.
//   - Waiters get the lock in the order in which they asked, over all
//     processes. A waiter whose session has ended, or whose znode was deleted,
//     starts again at the end of the queue.
//   - Tokens grow. The Token of a Hold is greater than the Token of every
//     earlier Hold on the path, even if the path was deleted and created again
//     in between.
//   - Nothing is left over. A failed or cancelled call leaves no znode, no
//     goroutine and no waiter. What has to be removed is removed in the
//     background, and does not depend on the caller's context.
//   - A release wakes two waiters: the next holder, and the waiter after it.
//   - A lock writes to and deletes only its own contender, the contender that
//     Revoke asks, and the znode of a shared limit. Other znodes in the
//     directory are left as they are.
//
// # What it does not promise
//
//   - It cannot stop a process that was paused while it held the lock, for
//     instance by a garbage collector, a debugger or a suspended virtual
//     machine. The continued process runs on for a moment, until it looks at
//     its context. Give Hold.Token to the store that you write to, or put
//     Hold.Guard into the transaction.
//   - It is not reentrant, because Go has no identity of goroutines. A second
//     Lock in the same process waits like any other contender. Pass the Hold
//     along instead.
//   - It does not protect against clients that delete the lock's znodes. The
//     holder then loses its hold (session.ErrDeleted). Until the event arrives,
//     or until the holder looks, 10 ms after the hold began, two contenders may
//     believe that they hold the lock. A waiter joins the queue again at its
//     end, a second later at the latest.
//
// # Readers and writers
//
// An RWMutex promises the same, with these differences:
//
//   - Any number of readers or one writer hold at a time. Of two Holds of which
//     one writes, at most one has a live context.
//   - Readers and writers wait in one queue. A reader waits for the writers
//     before it. A writer waits for every contender before it.
//   - A writer's Token is greater than the Token of every earlier holder. A
//     reader's Token is greater than the Token of every earlier writer. The
//     tokens of readers that shared the lock have no order.
//   - WriteHold.Downgrade lets no writer in between, and keeps the Token.
//   - A release wakes the readers directly after a writer, or at most two
//     contenders, which may have to wait for other readers. If a reader is
//     before another reader, its release wakes no contender.
//
// A read hold cannot be upgraded: two readers that both wanted it would wait
// for each other for ever.
//
// # The one-node lock
//
// A OneNode makes the promises of a Mutex, except the order. A release wakes
// all waiters, and its Holds have no Guard. It costs less if few contend.
//
// # Permits
//
// A Semaphore promises:
//
//   - The number of permits with a live context never exceeds the limit, over
//     all processes. If a shared limit is lowered, no holder loses a permit,
//     and none is given until enough have been released. A limit of 0, or a
//     znode that does not hold a limit, keeps all candidates waiting.
//   - Several permits are acquired all or none. Waiters get their permits in
//     the order in which they asked, whether they want many or few. TryAcquire
//     does not wait, and may overtake every waiter but the first.
//   - The release of a permit wakes one waiter.
//   - Tokens differ. The Token of a Permit is greater than the Token of every
//     Permit that was released before it was asked for.
//
// # Several locks
//
// A Multi holds all of its locks or none, and its hold ends if any of them is
// lost. Two Multis never wait for each other for ever, because they acquire in
// the order of the paths.
//
// # Handing on
//
// With Handoff, the goroutines that share a Mutex value hand the lock on among
// themselves. The lock keeps the promises of a Mutex, with two exceptions.
// Other contenders wait for up to n more holds. Tokens grow from znode to znode
// and not from hold to hold: they never go back, and Hold.Turn distinguishes
// holds with equal tokens.
//
// # Once per interval
//
// A Once runs a job once per interval, however many replicas call for it. It
// promises:
//
//   - Of the calls for one interval, one begins a run. A call begins a run if
//     it comes at least the interval less the slack after the call of the last
//     run. By default the slack is half the interval. A call that has waited
//     does not begin a run if a later call has begun one.
//   - The servers decide. Each call creates a znode, and the leader stamps it
//     with its clock. The run begins with one transaction, which fails if
//     another run has begun since. No replica's clock is read.
//   - Runs do not overlap, even if one goes on for longer than the interval: a
//     run is a Hold. Its Token is greater than the token of every earlier run.
//   - A run that is lost, or that fails, counts as the run of its interval,
//     unless RerunLost or RerunFailed has another call replace it.
//   - A call that fails or is given up has begun no run, or has taken it back.
//     If its session ends at that moment, the run may be recorded as lost.
//
// The bound, for an interval of 10 minutes:
//
//	slack         all calls of one interval    the next run begins at the earliest
//	              must come within
//	5m (default)  5 minutes                    5 minutes after the call of the last run
//	30s           30 seconds                   9 minutes and 30 seconds after it
//
// The second column is the shorter of two times: the slack, and the interval
// less the slack. A slack of 0 is for a single caller, and for callers that call
// many times in an interval: the next run begins 10 minutes after the call of
// the last run at the earliest.
//
// Three things put calls apart: the difference of the replicas' clocks, the
// time that a replica takes to reach ZooKeeper, and the difference of the
// servers' clocks if the leader changes. If the calls of one interval take longer
// than the table says, the job may run twice in that interval, or not at all in
// the next. A replica that is cut off waits in its call, and its call comes late:
// bound the wait by less than the table says. The leader's clock may go back. A
// call that comes before the call of the last run, by at least the interval less
// the slack, begins a run: the job does not wait until that clock has caught up.
//
// What it does not promise: that the job runs in every interval. It does not
// run if no replica calls, or if the replica that has begun dies and no call
// replaces the run.
//
//	never ───────────── due ────────┐
//	done, failed, lost ─ due ───────┼──> running ── End(nil) ──────> done
//	lost ────────────── RerunLost ──┤      │ │
//	lost, failed ────── RerunFailed ┘      │ └───── End(failure) ──> failed
//	                                       │
//	                                       │ znode deleted, session expired, trust elapsed
//	                                       v
//	                                      lost
//
// # What ctx governs
//
// The ctx of Lock, TryLock and Do bounds the waiting, never the hold. Only Do
// also hands it on to its function. If ctx is done and the lock is free, the
// call fails.
//
// # States
//
//	         Lock                first in line
//	(idle) ───────> waiting ──────────────────> held ── Release ──────────> released
//	                 │  ^ │                      │                   Err() = ErrReleased
//	       ctx ended │  │ │ znode deleted,       │ znode deleted, session expired, trust
//	                 v  └─┘ session ended:       │ elapsed, manager closed
//	              gave up   again from the end   v
//	                                            lost    errors.Is(Err(), session.ErrLost)
//
// # Layout
//
// A Mutex is a directory. Each contender is an ephemeral sequential znode in
// it, named as in Curator's InterProcessMutex: "_c_<uuid>-lock-<seq>". The
// znode holds JSON, {"id":…,"host":…,"pid":…}, which other libraries ignore.
// Znodes with "__lock__" in place of "lock-" (kazoo's) count as contenders too.
// All other znodes in the directory are ignored. The directory is a container,
// if the server supports containers: the server removes it once it is empty.
//
// An RWMutex is a directory in the layout of Curator's
// InterProcessReadWriteLock: "_c_<uuid>-__READ__<seq>" and
// "_c_<uuid>-__WRIT__<seq>". A downgraded contender keeps its number. A
// OneNode is one ephemeral znode at its path. A path has one kind of lock:
// different kinds do not see each other.
//
// A Semaphore is a directory in the layout of Curator's
// InterProcessSemaphoreV2. Waiters queue below "locks", as in a Mutex. Each
// permit is an ephemeral znode "_c_<uuid>-lease-<seq>" below "leases". The
// first waiter has lease znodes too, while it waits for permits. A shared limit
// is a znode with four bytes, big-endian, as Curator's SharedCount.
//
// A Once is a persistent znode that holds its newest run in JSON,
// {"once":"running","id":…,"host":…,"pid":…,"session":…,"run":…,"zxid":…,"called":…},
// with the state "never", "running", "done" or "failed". Each call is an
// ephemeral znode below it, "_c_<uuid>-once-<seq>", and "run" is the name of
// the newest run's znode. A run that is "running" and whose znode is missing is
// lost. No other library has this layout.
//
// To ask a holder to release the lock, Revoke writes "__REVOKE__" into the
// holder's znode, as Curator's Revoker does.
//
// The following may share a path with a Mutex:
//
//	Curator InterProcessMutex          yes
//	go-zookeeper zk.Lock               yes, while the directory has no other znodes
//	kazoo Lock                         with extra_lock_patterns=["-lock-"], and no Curator on the path
//	kazoo Lock, node name "-lock-"     yes, with _EXCLUDE_NAMES = ["-lock-", "__lock__"]
package lock
