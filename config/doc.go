// Package config keeps configuration in ZooKeeper. A Value is a typed value
// that follows its znode (Open). A Tree is a consistent view of a directory of
// keys (OpenTree). A Store reads and writes raw keys, and its History keeps
// their earlier values. SyncFile keeps a local file equal to a key.
//
//	limits, err := config.Open(ctx, sm, "/config/limits", config.JSON[Limits]())
//	if err != nil {
//		return err
//	}
//	defer limits.Close()
//	qps := limits.Load().Value.QPS // one atomic load
//	for snap, err := range limits.Changes(ctx) {
//		if err != nil {
//			log.Print(err) // a bad value was written; snap still has the last good one
//			continue
//		}
//		apply(snap.Value)
//	}
//
// # What is promised
//
//   - Load never blocks and never fails. It returns the last good value, also
//     while ZooKeeper does not answer; Stale is true then.
//   - A value that does not decode or validate never replaces a good value. Err
//     and Changes report it as a *BadValueError, without its content.
//   - A Value follows its znode through deletion and re-creation, lost
//     connections and lost sessions. It never goes back: it does not show an
//     older value after a newer one, even if a lagging server returns it.
//     Values are ordered by the transaction that wrote them (Zxid), not by
//     their version.
//   - A loop over Changes gets the present value first, and in the end always
//     the last value. It may skip values of a fast series; they are not queued.
//   - A Tree shows the values that all its keys had at one instant. A bad value
//     of one key does not affect others. If changes do not pause for a second
//     or more, the keys may be of different instants, and TreeSnapshot.Torn is
//     true.
//   - A call of a Store, a History or Update has seen every write that was
//     answered before the call. It does not fail because of a lagging server.
//   - A History writes a key and keeps the value in one transaction. The two
//     never disagree. After a lost answer, the write is neither doubled nor
//     lost.
//   - SyncFile never writes a part of a value, and never an older value than
//     before.
//   - Update never overwrites a value that it has not seen, with the one
//     exception below. If it is not known whether Update has written, it
//     returns session.ErrUnknownOutcome and does not write again.
//   - Keys are persistent znodes. Missing parents are created.
//
// # What is not promised
//
//   - A Value is not the newest at every instant. It changes when its server
//     reports a change, and the server may lag behind the ensemble.
//   - Two Values do not change at the same instant, although Store.Publish
//     changes their znodes at the same instant. The keys of one Tree do.
//   - ZooKeeper compares versions, and the version of a re-created znode starts
//     at zero again. Suppose that the znode is deleted and created again
//     between the read and the write of Update, and that the new znode has
//     reached the version of the old one. Then the write succeeds. Update
//     returns session.ErrRecreated, but the new znode's value has been
//     replaced. To delete keys that other clients update, hold a lock, or write
//     an empty value instead.
//   - A write checks the znode in an earlier request. If the key is deleted
//     between the two, and another recipe creates a znode at its path, a Set
//     with session.AnyVersion overwrites that znode. Delete, Update and History
//     write the znode that they have checked, or fail.
//   - If all servers have lost their data, values may go back, after one
//     session timeout: see docs/config.md.
//
// # Which write
//
// Update changes a typed value: it reads the newest value, and writes what a
// function makes of it. A Value has no Set: it would undo what other processes
// have written since the caller's Load. It would also drop the parts of the
// znode that the Go type does not have. To replace the whole value, give Update
// a function that ignores its argument: the parts that the type does not have
// still stay. To write bytes as they are, use a Store.
//
// Every write of a key by a Store or a History returns the Entry as the write
// has left it: Create for a key that does not exist, Set for a key that exists,
// Put for both. A Set or Delete with the version of an Entry succeeds only if
// the key has not been written since.
//
// # What is a key
//
// A write changes keys alone. If the znode belongs to another recipe, the write
// fails with session.ErrForeign and changes nothing; the text names the recipe.
// A key is a persistent znode with any data, with or without keys below it.
// These znodes are recognised as another recipe's:
//
//   - every ephemeral znode: members, instances, holders of one-node locks;
//   - contenders, candidates, permits, items of queues and dead letters, by
//     their names, in the layouts of Docent, Curator, kazoo and ZooKeeper's own
//     recipes;
//   - a Docent gate, the round of a Docent rendezvous, a persistent instance in
//     Curator's JSON, and the record of a job that runs once per interval, by
//     their data;
//   - a directory without data of a lock, an election, a semaphore or a queue,
//     while a znode of the recipe exists in it, or while one of its first three
//     children is ephemeral;
//   - the number of partitions of a partitioner: a number in digits, in a znode
//     "claims" with a directory "members" without data beside it;
//   - a number of 4 or 8 bytes, small for its length, as counters are. A binary
//     key may look the same: so a write with the version that was read is done,
//     and so is a write of as many bytes.
//
// A Tree leaves out what its reads tell: ephemeral znodes, and what the names and
// the data tell. No call creates a key with a name that only another recipe gives.
//
// Some znodes look like keys and are not recognised: a gate of kazoo (empty) or
// Curator (an IP address), a counter in digits, the limit of a semaphore, the
// remembered number of a worker, an empty directory.
package config
