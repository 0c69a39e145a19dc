// Package inspect tells what stands in an ensemble, by recipe rather than by
// node: who holds which lock and who waits for it, who leads, how long a queue
// is, and who waits for whom in a ring.
//
//	r, err := inspect.Take(ctx, sm, "/")
//	for _, f := range r.Findings {
//		switch f := f.(type) {
//		case *inspect.Lock:
//			fmt.Println(f.Path, f.Holder, len(f.Waiters))
//		case *inspect.Queue:
//			fmt.Println(f.Path, f.Length)
//		}
//	}
//
// It recognises the layouts of Docent, Curator, kazoo, go-zookeeper and Dubbo, and
// needs nothing to have been set up for it.
//
// # What is promised
//
//   - Nothing is written, and nothing but the options' limits decides how much is
//     read: no more than Limit nodes, of one node no more than Children
//     children, no list of children that is longer than what is left of Names.
//     A few requests are under way at a time.
//   - What was left out is said, and where: an Omitted, or Header.Unread.
//     So is what an ACL hides.
//   - What is not recognised is shown as what it is, a plain node. What looks alike is
//     said to: Header.Notes, Lock.MayBeElection.
//   - A ring that Deadlocks reports stood, with the same nodes, during all of the time
//     that Confirm gives: a picture that moves makes no false alarm.
//
// # What is not promised
//
//   - A report is no snapshot. Two of its findings may never have been true at
//     the same instant.
//   - Recognition goes by names and contents, which anybody may write. A key of
//     eight bytes looks like a counter, and a directory of ephemeral nodes like a group.
//   - First in line means that nobody stands before it. Whether it knows already,
//     and whether it still lives, only its session's end tells.
//   - What nobody writes down cannot be told: the limit of a semaphore of
//     Docent's or Curator's, how many a double barrier waits for, who waits for
//     a one-node lock.
//   - Deadlocks sees sessions, not threads: see there.
//
// # What ctx governs
//
// The ctx of Take and Deadlocks bounds the call, that of Watch ends the sequence.
//
// # What it reads
//
// The tree is read breadth first; a level leaves half of what remains of the
// limit to what lies deeper. Of each node its stat is read; then, where it has
// children, their names, and where it has none, what it holds, if that is no more than
// four kilobytes. If the names are those of a recipe, only those children are read whose contents
// matter, and those that belong to nothing. Of a queue that is the oldest item: a
// hundred thousand items cost one list. Of a config key's history it is none.
package inspect
