package inspect

import (
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/znode"
)

// shape is what the names of a node's children tell before anything is read.
type shape int

const (
	shapePlain   shape = iota // nothing
	shapeLock                 // a line for a mutex, or the line of those who want permits
	shapeRW                   // readers and writers
	shapeLatch                // candidates
	shapeLeases               // permits
	shapeItems                // items of a queue
	shapeClaims               // names of items, but ephemeral: claims
	shapeLetters              // dead letters
	shapeHistory              // former values of a config key
)

// Tags behind which the sequence numbers of lines stand.
var lineTags = map[shape][]string{
	shapeRW:     {curatorRead, curatorWrite, kazooRead, kazooLock},
	shapeLatch:  {"latch-"},
	shapeLeases: {"lease-"},
	shapeLock:   {"lock-", kazooLock},
}

const (
	curatorRead  = "__READ__"
	curatorWrite = "__WRIT__"
	kazooRead    = "__rlock__"
	kazooLock    = "__lock__"
)

// transferName is the node of a transfer among the candidates of an election.
const transferName = "transfer"

// recognise finds out what the children are by their names.
func (n *node) recognise() {
	var count [shapeHistory + 1]int
	for _, name := range n.names {
		count[shapeOf(name)]++
	}
	// kazoo's writers have the names of its mutexes: one reader tells.
	if count[shapeRW] > 0 {
		count[shapeRW] += count[shapeLock]
		count[shapeLock] = 0
	}
	for s := shapeLock; s <= shapeHistory; s++ {
		if count[s] > count[n.shape] || n.shape == shapePlain && count[s] > 0 {
			n.shape = s
		}
	}
	if n.shape == shapePlain {
		return
	}
	n.stranger = make(map[string]bool)
	for _, name := range n.names {
		if !n.belongs(name) {
			n.stranger[name] = true
		}
	}
	switch {
	case n.shape != shapeItems:
	case n.name == "claims", n.name == "taken", strings.HasSuffix(n.name, "-claims"):
		n.shape = shapeClaims
	default:
		n.oldest = oldestItem(n.names)
	}
}

// shapeOf tells of what a child of that name would be a part.
func shapeOf(name string) shape {
	switch {
	case hasSeq(name, curatorRead, curatorWrite, kazooRead):
		return shapeRW
	case hasSeq(name, lineTags[shapeLatch]...):
		return shapeLatch
	case hasSeq(name, lineTags[shapeLeases]...):
		return shapeLeases
	case hasSeq(name, lineTags[shapeLock]...):
		return shapeLock
	case isItem(name):
		return shapeItems
	case isLetter(name):
		return shapeLetters
	case isValue(name):
		return shapeHistory
	}
	return shapePlain
}

func hasSeq(name string, tags ...string) bool {
	_, ok := znode.ParseSeq(name, tags...)
	return ok
}

// belongs reports whether the child is a part of what n was recognised as.
func (n *node) belongs(name string) bool {
	s := shapeOf(name)
	switch n.shape {
	case shapeRW:
		return s == shapeRW || hasSeq(name, kazooLock)
	case shapeClaims:
		return s == shapeItems
	case shapeLatch:
		return s == shapeLatch || name == transferName
	case shapeLock:
		return s == shapeLock || name == transferName
	}
	return s == n.shape
}

// plan returns the children of n that are worth a look.
func (n *node) plan() []want {
	var plan []want
	add := func(name string, party bool) { plan = append(plan, want{n, name, party}) }
	switch n.shape {
	case shapePlain:
		for _, name := range n.names {
			add(name, false)
		}
		return plan
	case shapeItems:
		add(n.oldest, false)
	case shapeClaims:
		for _, name := range n.names {
			if !n.stranger[name] {
				add(name, true)
			}
		}
	case shapeLetters, shapeHistory:
	default:
		if _, found := slices.BinarySearch(n.names, transferName); found && n.belongs(transferName) {
			add(transferName, true)
		}
		for _, p := range line.InOrder(n.names, lineTags[n.shape]) {
			add(p.Name, true)
		}
	}
	for _, name := range n.names {
		if n.stranger[name] {
			add(name, false)
		}
	}
	return plan
}
