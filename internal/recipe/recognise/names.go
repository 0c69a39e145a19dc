package recognise

import (
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
)

// Kind is what the name of a znode says about it: to which recipe it belongs,
// and as which part.
type Kind int

// The kinds. Other names are Unknown.
const (
	Unknown Kind = iota
	Lock         // a contender of a mutex, or of the wait queue for permits
	RWLock       // a reader or a writer
	Latch        // a candidate
	Lease        // a permit
	Item         // an item of a queue, or the claim on an item
	Letter       // a dead letter
	Call         // a call for a job that runs once per interval
	Value        // a former value of a config key
)

// Tags after which the sequence numbers of wait queues follow.
const (
	CuratorRead  = "__READ__"
	CuratorWrite = "__WRIT__"
	KazooRead    = "__rlock__"
	KazooLock    = "__lock__"
	LockTag      = "lock-"
	LatchTag     = "latch-"
	LeaseTag     = "lease-"
	OnceTag      = "once-"
)

// KindOf returns the kind of a znode's name. kazoo's writers are Lock: they
// have the names of its mutexes.
func KindOf(name string) Kind {
	switch {
	case HasSeq(name, CuratorRead, CuratorWrite, KazooRead):
		return RWLock
	case HasSeq(name, LatchTag):
		return Latch
	case HasSeq(name, LeaseTag):
		return Lease
	case HasSeq(name, LockTag, KazooLock):
		return Lock
	case isCall(name):
		return Call
	case isItem(name):
		return Item
	case isLetter(name):
		return Letter
	case isValue(name):
		return Value
	}
	return Unknown
}

// HasSeq reports whether a sequence number follows one of the tags at the end of
// the name.
func HasSeq(name string, tags ...string) bool {
	_, ok := znode.ParseSeq(name, tags...)
	return ok
}

// isCall reports whether the name belongs to a contender for a run. The tag is
// a common word, but not after a unique id.
func isCall(name string) bool {
	_, protected := znode.GUID(name)
	return protected && HasSeq(name, OnceTag)
}

// markLen is the length of the unique part in the names of a history's values.
const markLen = 26

// isValue reports whether a znode of that name is a value in a history: a value
// that was set, or one that existed before the history.
func isValue(name string) bool {
	rest, set := strings.CutPrefix(name, "set-")
	if !set {
		var was bool
		if rest, was = strings.CutPrefix(name, "was-"); !was {
			return false
		}
	}
	return len(rest) > markLen && strings.Trim(rest[:markLen], "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == "" &&
		HasSeq(name, rest[:markLen]+"-")
}
