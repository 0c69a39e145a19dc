// Package counter counts on ZooKeeper. A Counter is a number that many
// processes add to. A Sequence gives unique numbers.
//
//	total, err := counter.New(sm, "/counters/orders").Add(ctx, 1)
//
//	ids := counter.NewSequence(sm, "/sequences/invoice", counter.Block(1000))
//	defer ids.Close()
//	id, err := ids.Next(ctx)
//
// # What a Counter promises
//
//   - Every Add that returns without an error is counted exactly once. An Add
//     that fails is not counted. With session.ErrUnknownOutcome it is counted
//     once or not at all.
//   - A number that does not fit is rejected, and a znode without a number is
//     not written. Both change nothing.
//   - A write changes counters alone: persistent znodes with a number of the
//     layout. An item of a queue is recognised by its name, and a directory by
//     its present or earlier children. A config key with a number of the layout
//     looks like a counter.
//   - A call has seen every write that was answered before the call. It does
//     not reject a write because of the number on a lagging server.
//   - The numbers that Changes yields never go back in time, not even after
//     lost connections, ended sessions and re-creation, or with lagging
//     servers.
//
// # What a Sequence promises
//
//   - No number is given twice, over all processes and sessions, unless a
//     client deletes its znode or sets it back.
//   - The numbers of one Sequence grow. Numbers of different Sequences come in
//     blocks, without an order between the Sequences.
//   - Most calls of Next cost neither a round trip nor an allocation.
//
// # What they do not promise
//
//   - ZooKeeper writes each change to the disks of a majority of the servers. A
//     counter can take hundreds of Adds per second over all processes, not
//     thousands. Use blocks, or count locally and add sums.
//   - A Sequence has gaps: the rest of a block is lost when its process ends.
//   - Neither protects against the deletion of its znode. An Add then begins at
//     zero. A Sequence also begins again, unless its process has seen the
//     numbers before: then it returns ErrSetBack.
//
// # What ctx governs
//
// The ctx of a call bounds that call. A Sequence fetches a block for all
// callers: Close ends the fetch.
//
// # Layout
//
// A counter is the data of one persistent znode, in the Format of the option
// Layout. The default is Curator's DistributedAtomicLong: 8 bytes, big-endian.
// A znode that does not exist counts as zero, and the first write creates it.
// The number of a Sequence is the greatest number of all blocks so far.
package counter
