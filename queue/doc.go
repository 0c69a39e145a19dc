// Package queue has queues on ZooKeeper: first in first out, with priorities,
// with delays, delivered at least once.
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
// Every item whose Put has returned without an error is delivered until one Ack
// of it returns without an error, and never after that. At any instant at most
// one of its claims has a live context.
//
// Items come by priority, and within a priority in the order in which they were put.
//
//   - One consumer gets them exactly so, also ahead of time with Prefetch. What is put or
//     released meanwhile with a place before others comes after at most 64 items that were
//     read before, and a tenth of a second later at most.
//
//   - Of several consumers each takes the first item until two try to claim the same one.
//     Then each chooses among the first items of the same priority, and among more of them
//     the oftener that happens: among 256 items at most, or among 64 times as many as it
//     claims in one request with Prefetch. An item that all of them have passed comes with
//     the next list of one of them.
//
//   - A consumer that dies, or is cut off, loses its claim with its session, and
//     the item goes to another. Its context has ended before that.
//
//   - Attempts are counted as they begin, by the server, so that those of consumers
//     that died count too. With MaxAttempts an item that nobody can handle becomes a dead
//     letter, with its data, and is delivered no more.
//
//   - Release keeps the item's place, priority, ID, attempts and ACL, and so do dead
//     letters and Redrive. A server that does not tell a session the password hashes of
//     an ACL, as it does not without the right to administer the node, keeps it from
//     that: the new node then has the ACL that the session is configured with.
//
//   - Nothing is written to or deleted but items, claims, dead letters and guards. They
//     are told by their names; an ephemeral node is not an item. A persistent node that
//     bears the name of an item in the items' directory is one.
//
//   - An answer that was lost on the way is looked for: Ack does not report an
//     item as acknowledged that may come again, nor does it delete one that
//     somebody else has.
//
//   - An item that cannot be decoded becomes a dead letter; foreign nodes are
//     ignored. Neither keeps anybody from what lies behind it.
//
//   - An item that may not be read, claimed or deleted is passed over: Take and Consume
//     deliver the items after it. OnSkipped tells of it, and it is tried again at intervals.
//
// # What is not promised
//
// ZooKeeper is a good queue for jobs that matter and come by the hundred a
// second, and a bad one for streams: every item is a node that all servers keep
// in memory and write to disk three times (put, claim, acknowledgement), a list
// of the queue is as long as the queue, and an item is at most a megabyte.
//
//   - Not exactly once: an item whose consumer dies between its work and its
//     Ack is delivered again. Item.Guard in the transaction that does the work,
//     or Item.Token where it goes, close that gap.
//   - A Put whose answer is lost returns session.ErrUnknownOutcome: the item may or may not
//     be in the queue. It is not put again by itself. Whoever puts it again must bear with two.
//   - A Limit is kept by those who put, and may be exceeded a little.
//   - Delays are compared with the wall clocks of those who put and those who
//     take: an item may come early or late by as much as they differ.
//   - No protection against clients that delete claims or items, nor against consumers
//     that know no claims (see the Formats). An Ack whose answer is lost takes what
//     others have done with the item for its own if a stranger has deleted its claim.
//
// # What ctx governs
//
// The ctx of Put, Take and Consume bounds the waiting, never a claim. Ack,
// Release and Reject take none: they take at most as long as the session can
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
// Below the path of the queue, as Curator's DistributedQueue and its kin write it:
//
//	items/queue-<seq>                        the item, in Curator's frame
//	items/queue-1<priority><seq>             with a priority; queue-0… if it is negative
//	items/queue-|<due>|<seq>                 due then, in milliseconds since 1970, hexadecimal
//	items/queue-|<due>|1<priority><seq>      both
//	claims/<name of the item>                EPHEMERAL, of whoever has the item
//	dead/<name of the item>.<zxid>           a line of JSON, and the item's data
//	guards/<GUID>guard-<seq>                 EPHEMERAL, of a claim whose Guard was called
//
// The version of an item's node is the number of its attempts: a claim is one
// transaction of the ephemeral node and of a write that leaves the item's data as
// it is. An acknowledgement is one transaction that deletes the item, if it still
// has that version, and the claim.
//
// One node of Curator's may hold many items (putMulti). They are delivered one
// after the other: Ack replaces the node by one with the rest, in the same place.
//
// Items, Claims and DeadLetters set other directories; Layout sets the names of
// other libraries: see Format.
package queue
