// Package recognise tells to which recipe a znode belongs, by its name, its
// data and the names of its children. A verb of the command asks it before
// writing or deleting a znode that another recipe may have made.
//
// Only what is certain is told: a znode that may be a config key is Unknown.
// Any client may write names and data. So "certain" means that no program
// chooses them for anything else.
//
// These are recognised by themselves (Node):
//
//   - by the owning session: every ephemeral znode;
//   - by its name: a contender, a candidate, a permit, an item of a queue, the
//     claim on an item, and a dead letter, in the layouts of Docent, Curator,
//     kazoo and ZooKeeper's own recipes; an instance of Dubbo's; a call for a
//     job that runs once per interval;
//   - by its data: a gate that Docent has closed; the "ready" of a rendezvous
//     that Docent has begun; a persistent instance in the JSON of Curator; the
//     record of a job that runs once per interval.
//
// These are recognised by their children, if they hold no data (Directory):
//
//   - the directory of a lock, an election, a semaphore or a queue, while one
//     of its znodes exists there;
//   - a rendezvous with a round;
//   - a directory with an ephemeral znode among the first children: a group, a
//     service, numbers of workers.
//
// A number in a znode "claims" is recognised (Path) if a directory "members"
// without data is beside it: it is the number of partitions of a partitioner.
//
// Not recognised are znodes that look like config keys: a gate of kazoo (empty)
// or Curator (an IP address), a counter in digits, the limit of a semaphore,
// the memory of a worker's number, and an empty directory. IsNumber recognises
// a counter of 4 or 8 bytes; a binary config key may look the same.
package recognise
