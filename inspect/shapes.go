package inspect

import (
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
)

// shape is the recipe to which the names of a node's children belong.
type shape = recognise.Kind

const (
	shapePlain   = recognise.Unknown // no recipe
	shapeLock    = recognise.Lock    // contenders for a mutex, or waiters for permits
	shapeRW      = recognise.RWLock  // readers and writers
	shapeLatch   = recognise.Latch   // candidates
	shapeLeases  = recognise.Lease   // permits
	shapeItems   = recognise.Item    // items of a queue
	shapeLetters = recognise.Letter  // dead letters
	shapeCalls   = recognise.Call    // calls for a job that runs once per interval
	shapeHistory = recognise.Value   // former values of a config key

	shapeClaims = shapeHistory + 1 // names of items, but ephemeral: claims
)

// Tags before the sequence numbers of contenders' names.
var lineTags = map[shape][]string{
	shapeRW:     {curatorRead, curatorWrite, kazooRead, kazooLock},
	shapeLatch:  {recognise.LatchTag},
	shapeLeases: {recognise.LeaseTag},
	shapeLock:   {recognise.LockTag, kazooLock},
	shapeCalls:  {recognise.OnceTag},
}

const (
	curatorRead  = recognise.CuratorRead
	curatorWrite = recognise.CuratorWrite
	kazooRead    = recognise.KazooRead
	kazooLock    = recognise.KazooLock
)

// transferName is the node of a transfer request, among the candidates of an
// election.
const transferName = "transfer"

// recognise sets the shape of n by the names of its children.
func (n *node) recognise() {
	var count [shapeHistory + 1]int
	for _, name := range n.names {
		count[recognise.KindOf(name)]++
	}
	// kazoo's writers have the names of its mutexes: one reader makes it a
	// read/write lock.
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
	n.unrecognised = make(map[string]bool)
	for _, name := range n.names {
		if !n.belongs(name) {
			n.unrecognised[name] = true
		}
	}
	switch {
	case n.shape != shapeItems:
	case n.name == "claims", n.name == "taken", strings.HasSuffix(n.name, "-claims"):
		n.shape = shapeClaims
	default:
		n.oldest = recognise.Oldest(n.names)
	}
}

// belongs reports whether the child belongs to the recipe of n's shape.
func (n *node) belongs(name string) bool {
	s := recognise.KindOf(name)
	switch n.shape {
	case shapeRW:
		return s == shapeRW || recognise.HasSeq(name, kazooLock)
	case shapeClaims:
		return s == shapeItems
	case shapeLatch:
		return s == shapeLatch || name == transferName
	case shapeLock:
		return s == shapeLock || name == transferName
	}
	return s == n.shape
}

// plan returns the children of n that are to be read.
func (n *node) plan() []want {
	var plan []want
	add := func(name string, ofRecipe bool) { plan = append(plan, want{n, name, ofRecipe}) }
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
			if !n.unrecognised[name] {
				add(name, true)
			}
		}
	case shapeLetters, shapeHistory:
	default:
		if _, found := slices.BinarySearch(n.names, transferName); found && n.belongs(transferName) {
			add(transferName, true)
		}
		for _, p := range waitqueue.InOrder(n.names, lineTags[n.shape]) {
			add(p.Name, true)
		}
	}
	for _, name := range n.names {
		if n.unrecognised[name] {
			add(name, false)
		}
	}
	return plan
}
