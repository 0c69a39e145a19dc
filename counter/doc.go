// Package counter counts on ZooKeeper: a Counter is one number that many
// processes add to, a Sequence hands out numbers of which none is given twice.
//
//	total, err := counter.New(sm, "/counters/orders").Add(ctx, 1)
//
//	ids := counter.NewSequence(sm, "/sequences/invoice", counter.Block(1000))
//	defer ids.Close()
//	id, err := ids.Next(ctx)
//
// # What a Counter promises
//
//   - Every Add that returns without an error is in the number exactly once.
//     An Add that fails is not in it, except with session.ErrUnknownOutcome: then
//     it may be, once.
//   - A number that does not fit is refused and changes nothing, as is a node that
//     holds something else than a number.
//   - A write touches counters alone: a persistent node with a number of the layout. An
//     item of a queue is told by its name, and a directory by the children that it has
//     or had. A config key with a number of the layout is not told from a counter.
//   - What Changes yields never goes back in time, over lost connections,
//     ended sessions and servers that lag, and through deletion and re-creation.
//
// # What a Sequence promises
//
//   - No number is given twice, over all processes and sessions, for as long as
//     nobody deletes or sets back its node.
//   - The numbers that one Sequence gives grow. Those of different Sequences
//     come in blocks, in no order among each other.
//   - Most calls of Next cost neither a round trip nor an allocation.
//
// # What they do not promise
//
//   - ZooKeeper writes each change to the disks of most servers: a counter is
//     good for hundreds of Adds in a second over all processes, not for thousands. Use
//     blocks, or count locally and add up.
//   - A Sequence has gaps: what is left of a block when its process ends is lost.
//   - Nothing guards against a node that is deleted while it is in use: an Add
//     then begins at zero, and a Sequence too, in a process that has not seen the
//     numbers before. One that has refuses to go back (ErrSetBack).
//
// # What ctx governs
//
// The ctx of a call bounds that call. A block that a Sequence fetches for many
// callers is bounded by its Close.
//
// # Layout
//
// A counter is the data of one persistent node: 8 bytes, big-endian, as
// Curator's DistributedAtomicLong has it. Int32 is the layout of Curator's
// DistributedAtomicInteger and SharedCount, and of kazoo's Counter with
// support_curator: 4 bytes. Decimal is that of kazoo's Counter otherwise:
// decimal digits. A node that does not exist counts as zero, and is made by the
// first write. In a Sequence the number is the greatest that was given to a block.
package counter
