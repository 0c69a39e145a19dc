// Package config keeps configuration in ZooKeeper: typed values that follow
// their node (Open), directories of them as one view (OpenTree), a store of raw
// keys (Store), which can keep what a key held before (History), and files that
// are kept equal to a key (SyncFile).
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
//   - Load never blocks and never fails: it returns the last good value, also
//     while ZooKeeper is away (Stale then says so).
//   - A value that does not decode or does not validate never replaces a good
//     one. It is reported (Err, Changes) as a *BadValueError, without its
//     content.
//   - A Value follows its node through deletion and re-creation, lost
//     connections and lost sessions, and what it shows only goes forward: an
//     older value, read from a server that lags, is never shown after a newer
//     one. Values are ordered by the transaction that wrote them (Zxid), not by
//     their version.
//   - Whoever ranges over Changes gets the present value first, and always ends
//     up with the last one. Values that follow each other fast are skipped, not
//     queued.
//   - A Tree shows what all its keys really held at one instant, and a bad value
//     of one key harms no other. Only a stream of changes that never pauses can
//     keep it from that for a second; it then says so (TreeSnapshot.Torn).
//   - A History writes a key and keeps the value in one transaction: they never
//     disagree, and a lost answer neither doubles the one nor loses the other.
//   - SyncFile never writes a part of a value, nor an older one than before.
//   - Update never overwrites a value that it has not seen, with the one
//     exception below. When it is unknown whether it wrote, it says so
//     (session.ErrUnknownOutcome) and does not write again.
//   - Values and keys are persistent nodes. Missing parents are made.
//
// # What is not promised
//
//   - A Value is not the newest at every instant: it learns of a change when
//     its server tells it, and the server may lag behind the ensemble.
//   - Two Values do not change at the same instant, although Store.Publish
//     changes their nodes at the same instant. The keys of one Tree do.
//   - ZooKeeper compares versions, and a node that is deleted and made anew
//     counts from zero again. Should that happen between the moment at which
//     Update reads and the moment at which it writes, and should the new node
//     have reached the very version of the old one, then the write goes
//     through. Update notices and returns ErrRecreated, but the new node's value
//     has been replaced. Who deletes keys that others update should hold a
//     lock, or write an empty value in place of deleting.
//   - The look at a znode and the write are two requests: a key that is deleted
//     between them, and at whose path another recipe makes a znode, is overwritten
//     by a Set with AnyVersion. Delete, Update and History write what they have seen.
//   - When all servers have lost their data, values may go back, after one
//     session timeout: see docs/config.md.
//
// # What is a key
//
// A write touches keys alone: where another recipe has made the znode, it is refused
// with ErrNotKey and changes nothing. A key is a persistent znode with any data, and
// with or without keys below it. These are recognised as another recipe's:
//
//   - every ephemeral znode: members, instances, holders of one-node locks;
//   - contenders, candidates, permits, items of queues and dead letters, by their
//     names, in the layouts of Docent, Curator, kazoo and ZooKeeper's own recipes;
//   - a gate of Docent's, the round of a rendezvous of Docent's, a persistent instance
//     in Curator's JSON, the record of a job that runs once per interval, by their
//     data;
//   - the directory of a lock, an election, a semaphore or a queue while something
//     of the recipe exists in it, and a directory that has a session's znode among
//     its first three children; only if the directory holds no data;
//   - a number of 4 or 8 bytes, small for its length, as counters are. A binary key
//     may look the same: a write with the version that was read is done, and so is
//     one that writes as many bytes.
//
// These are not: a gate of kazoo's (empty) or Curator's (an IP address), a counter
// in digits, the limit of a semaphore, the remembered number of a worker, and an
// empty directory of any recipe. They look like keys.
package config
