// Package queue provides queues on ZooKeeper: first in first out, with
// priorities, with delays, delivered at least once.
//
//	q := queue.New(sm, "/queues/mail", queue.MaxAttempts(5))
//	id, err := q.Put(ctx, data, queue.Priority(5), queue.Delay(time.Minute))
//
//	item, err := q.Take(ctx) // waits for an item and claims it
//	err = send(item.Context(), item.Data)
//	err = item.Ack() // or item.Release(), or item.Reject("why")
//
//	err = q.Consume(ctx, func(ctx context.Context, item *queue.Item) error {
//		return send(ctx, item.Data)
//	}, queue.Workers(4))
//
// # What is promised
//
// An item whose Put has returned without an error is delivered until an Ack of
// it returns without an error, and not after that. At any instant at most one
// of its claims has a live context.
//
// Items come by priority, and within a priority in the order in which they were
// put.
//
//   - A single consumer gets them exactly in this order, also with Prefetch. If
//     an item that belongs before others is put or released meanwhile, at most
//     64 items that were read before come first. That takes at most a tenth of
//     a second.
//
//   - With several consumers, each takes the first item until two try to claim
//     the same one. Then each consumer chooses at random among the first items
//     of the same priority. The more often claims collide, the more items it
//     chooses among: at most 256, or with Prefetch 64 times as many as it
//     claims in one request. An item that all of them have passed comes with
//     the next list of one of them.
//
//   - A consumer that dies, or is cut off, loses its claim with its session,
//     and the item goes to another. The claim's context has ended before that.
//
//   - The server counts each attempt as it begins, so the attempts of consumers
//     that died count too. With MaxAttempts, an item that is not acknowledged
//     in n attempts becomes a dead letter, with its data. It is not delivered
//     again.
//
//   - Release keeps the item's place, priority, ID, attempts and ACL. A dead
//     letter, and an item that Redrive puts back, have the item's ACL too.
//     There is one exception for the ACL: a server hides the password hashes of
//     an ACL from a session without the right to administer the znode. The new
//     znode then has the ACL that the session is configured with.
//
//   - Only items, claims, dead letters and guards are written to or deleted.
//     They are recognised by their names. An ephemeral znode is not an item. A
//     persistent znode with the name of an item in the items' directory is one.
//
//   - If an answer is lost, the outcome is looked up. Ack does not report an
//     item as acknowledged that may come again, and does not delete an item
//     that another consumer has claimed.
//
//   - An item that cannot be decoded becomes a dead letter; other znodes are
//     ignored. Neither blocks the items after it.
//
//   - An item that may not be read, claimed or deleted is passed over: Take and
//     Consume deliver the items after it. OnSkipped reports it, and it is tried
//     again at intervals.
//
// # What is not promised
//
// ZooKeeper is a good queue for jobs that matter and come by the hundred a
// second, and a bad one for streams. Every item is a znode that all servers
// keep in memory and write to disk three times (put, claim, acknowledgement). A
// list of the queue is as long as the queue, and an item is at most a megabyte.
//
//   - Not exactly once: an item whose consumer dies between its work and its
//     Ack is delivered again. To close that gap, put Item.Guard into the
//     transaction that does the work, or give Item.Token to the store that the
//     work writes to.
//   - A Put whose answer is lost returns session.ErrUnknownOutcome: the item
//     may or may not be in the queue. Put does not repeat the request. If the
//     caller does, the item may be in the queue twice.
//   - Each producer keeps a Limit by itself, so the queue may exceed it a
//     little.
//   - Delays are compared with the wall clocks of producers and consumers. An
//     item may come early or late by as much as the clocks differ.
//   - No protection against clients that delete claims or items, nor against
//     consumers that know no claims (see the Formats). If an Ack's answer is
//     lost and another client has deleted its claim, Ack may take what other
//     consumers have done with the item for its own work.
//
// # Errors
//
// Every error is a *session.OpError with the path of the queue. errors.Is finds
// the reason: an error of this package or of package session, or the error of
// ctx.
//
// # What ctx governs
//
// The ctx of Put, Take and Consume bounds the waiting, never a claim. Ack,
// Release and Reject have no ctx: they take at most as long as the session can
// last without a server, and work after every context has ended.
//
// # States of an item
//
//	Put ──> delayed ── due ──> ready <─────── Release, claim lost ────────┐
//	           ^                │                                          │
//	           │                └── Take ──> claimed (Attempt + 1) ─── Ack ──> gone
//	           └───────── Release(After) ─────┘  │
//	                                             └── Reject, or Release of the last attempt ──> dead
//	dead ── Redrive ──> ready (a new item), or ── Discard ──> gone
//
// # Layout
//
// Below the path of the queue, in the layout of Curator's DistributedQueue,
// DistributedPriorityQueue and DistributedDelayQueue:
//
//	items/queue-<seq>                        the item, in Curator's frame
//	items/queue-1<priority><seq>             with a priority; queue-0… if it is negative
//	items/queue-|<due>|<seq>                 due then, in milliseconds since 1970, hexadecimal
//	items/queue-|<due>|1<priority><seq>      both
//	claims/<name of the item>                EPHEMERAL, of the consumer that has the item
//	dead/<name of the item>.<zxid>           a line of JSON, and the item's data
//	guards/<GUID>guard-<seq>                 EPHEMERAL, of a claim whose Guard was called
//
// The version of an item's znode is the number of its attempts. A claim is one
// transaction: it creates the ephemeral znode, and writes the item's data again
// unchanged. An acknowledgement is one transaction too: it deletes the item, if
// the item still has that version, and the claim.
//
// One znode of Curator's may hold many items (putMulti). They are delivered one
// after the other: Ack replaces the znode by one with the remaining items, in
// the same place.
//
// Items, Claims and DeadLetters set other directories; Layout sets the names of
// other libraries: see Format.
package queue
