// Package inspect reads the znodes of an ensemble and reports the recipes that
// they belong to: the holders and waiters of locks, the leaders of elections,
// the length of queues, and cycles of sessions that wait for each other.
//
//	r, err := inspect.Read(ctx, sm, "/")
//	for _, f := range r.Findings {
//		switch f := f.(type) {
//		case *inspect.Lock:
//			fmt.Println(f.Path, f.Holder, len(f.Waiters))
//		case *inspect.Queue:
//			fmt.Println(f.Path, f.Length)
//		}
//	}
//
// It recognises the layouts of Docent, Curator, kazoo, go-zookeeper and Dubbo,
// without any preparation.
//
// # What is promised
//
//   - Only RemoveAbandoned writes: it deletes one znode. The options limit how
//     much is read: at most Limit znodes, at most Children children of one
//     znode, at most Names names of children, and at most MaxBytes of names and
//     data. A few requests are under way at a time.
//   - The report says what was left out, and where: an Omitted, or
//     Header.Unread. It also says what an ACL hides.
//   - A znode that is not recognised is a Plain. If znodes may belong to
//     several recipes, the report says so: Header.Notes, Lock.MayBeElection.
//   - A cycle that Deadlocks reports lasted, with the same znodes, for at least
//     the time of the option Confirm. Changes during the reads make no false
//     alarm.
//
// # What is not promised
//
//   - A report is not a snapshot. Two of its findings may never have been true
//     at the same instant.
//   - Znodes are recognised by names and data, which any client may write. A
//     key of eight bytes looks like a counter, and a directory of ephemeral
//     znodes like a group.
//   - The holder of a lock is the first contender. It may not know yet that it
//     holds, and its process may have died: the znode exists until its session
//     ends.
//   - Some facts are not in the znodes: the limit of a semaphore of Docent or
//     Curator, the number of members that a double barrier waits for, the
//     waiters of a one-node lock.
//   - Deadlocks sees sessions, not threads: see its documentation.
//
// # What ctx governs
//
// The ctx of Read, Deadlocks and RemoveAbandoned bounds the call. The ctx of
// Changes ends the sequence.
//
// # What it reads
//
// The tree is read breadth first. Each level leaves half of the rest of the
// limit to deeper levels. For each znode the stat is read. For a znode with
// children, the names of the children are read; for a znode without children its
// data, up to four kilobytes; more is not a recipe's. If the names belong to a recipe, only the
// children are read whose data matters, and the children that do not belong to
// the recipe. For a queue that is the oldest item: a hundred thousand items
// cost one list. For the history of a config key no child is read.
package inspect
