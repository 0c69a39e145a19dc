package main

import (
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/session"
)

// stranger says what a stranger with rights can do to a recipe.
type stranger struct {
	create string // with the right to create znodes in the directory
	remove string // with the right to delete znodes in the directory
	write  string // with the right to write the recipe's znodes
}

const takesPlace = "a stranger can replace the znode by another one"

// strangers has a row for each kind of finding.
var strangers = map[inspect.Kind]stranger{
	inspect.KindLock: {"a stranger can block the lock for ever", "a stranger can end the hold and take the lock",
		"a stranger can have a holder release the lock"},
	inspect.KindRWLock: {"a stranger can block the lock for ever", "a stranger can end the holds and take the lock",
		"a stranger can have a holder release the lock"},
	inspect.KindSemaphore: {"a stranger can use up the permits", "a stranger can end the holds, so that more processes hold than the limit",
		"a stranger can change the limit or have a holder release"},
	inspect.KindOneNode: {"a stranger can take the lock when it is free", "a stranger can end the hold and take the lock",
		"a stranger can have the holder release the lock"},
	inspect.KindElection: {"a stranger can lead, or keep everyone from leading", "a stranger can end the leadership and lead",
		"a stranger can transfer the leadership and change what a candidate says"},
	inspect.KindGroup:       {"a stranger can add members", "a stranger can remove members", "a stranger can change what members say"},
	inspect.KindPartitioner: {"a stranger can take partitions", "a stranger can end the ownership of partitions", "a stranger can change the number of partitions"},
	inspect.KindService: {"a stranger can register addresses of its own, to which clients then connect",
		"a stranger can remove instances", "a stranger can change the addresses to which clients connect"},
	inspect.KindQueue: {"a stranger can put items, and claim those of others", "a stranger can delete items and end claims", "a stranger can change items"},
	inspect.KindJob: {"a stranger can keep the job from running", "a stranger can have the job run again, or twice at a time",
		"a stranger can mark the job as done"},
	inspect.KindBarrier: {"a stranger can close the gate", "a stranger can lift the gate", "a stranger can change who has closed the gate"},
	inspect.KindDouble:  {"a stranger can enter and fill the barrier", "a stranger can remove members", "a stranger can begin a round"},
	inspect.KindCounter: {takesPlace, takesPlace, "a stranger can change the number"},
	inspect.KindConfigKey: {"a stranger can add keys, and create this one after its deletion",
		"a stranger can delete the key", "a stranger can change the value"},
	inspect.KindHistory: {"a stranger can add former values", "a stranger can delete former values", "a stranger can change former values"},
	inspect.KindPlain: {"a stranger can make the directories of recipes before their owners do",
		"a stranger can delete a directory while it is empty, and make it again", "a stranger can change its data"},
}

// atPath has the kinds whose znode is at the path itself: the ACL of the
// directory above has the rights to create and delete it.
var atPath = map[inspect.Kind]bool{
	inspect.KindOneNode: true, inspect.KindBarrier: true, inspect.KindCounter: true, inspect.KindConfigKey: true,
}

// means says what the permissions let a stranger do to a recipe of the kind.
func means(kind inspect.Kind, perms int32) string {
	words, ok := strangers[kind]
	if !ok {
		words = strangers[inspect.KindPlain]
	}
	switch {
	case perms&session.PermDelete != 0:
		return words.remove
	case perms&session.PermAdmin != 0:
		return "a stranger can give itself every right"
	case perms&session.PermCreate != 0:
		return words.create
	}
	return words.write
}
