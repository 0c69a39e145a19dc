package naming

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/docent-go/docent/internal/misuse"
)

// Strategy is how a Balancer picks. Each Balancer that is made of it keeps its
// own account.
type Strategy struct {
	name  string
	start func() engine
}

// made panics for a Strategy of no kind.
func (s Strategy) made() {
	misuse.ZeroValue(s.start == nil, "naming.Strategy", "naming.RoundRobin or one of the others")
}

// String is the name that ParseStrategy knows it by.
func (s Strategy) String() string { return s.name }

// engine is a strategy at work in one balancer: it outlives the tables.
type engine interface {
	// prepare is called once for each table, never for an empty one.
	prepare(g *group) picker
}

// picker picks from one table, concurrently.
type picker interface {
	pick(g *group, key string) int
}

// random makes the choices of all strategies that leave something to chance.
type random func() uint64

// below gives a number from 0 to n-1.
func (r random) below(n int) int { return int(scale(r(), uint64(n))) }

// RoundRobin picks one after the other, in the order of the source. It counts
// in 64 bits without a sign, and so never gets to a negative place.
func RoundRobin() Strategy {
	return Strategy{"round-robin", func() engine { return &roundRobin{} }}
}

// Random picks any, each as likely as the others.
func Random() Strategy { return seededRandom(rand.Uint64) }

func seededRandom(r random) Strategy {
	return Strategy{"random", func() engine { return uniform{r} }}
}

// Weighted picks any, each as likely as its weight says, by chance: Vose's
// alias method.
func Weighted() Strategy { return seededWeighted(rand.Uint64) }

func seededWeighted(r random) Strategy {
	return Strategy{"weighted", func() engine { return weighted{r} }}
}

// LeastPending picks where the fewest calls of this process are under way
// (picked, and not Done) for the weight: of all of them up to 16 elements, of
// two that chance has chosen among more. Two are nearly as good as all, and
// asking all of thousands would make each pick slow. A call that has failed
// counts as up to 64 calls under way for ten seconds: an instance that breaks
// off each call at once would have the fewest otherwise.
func LeastPending() Strategy { return seededLeastPending(rand.Uint64) }

func seededLeastPending(r random) Strategy {
	return Strategy{"least-pending", func() engine { return leastPending{r} }}
}

// Hash picks by the key: every process that sees the same instances picks the
// same one for a key (consistent hashing, 100 points an instance). When an
// instance leaves, its keys move, and no others; when one comes, it takes its
// share from the others, and no other key moves. The shares differ from each other
// by some ten percent; weights are not looked at, for then a change of a weight would
// move keys. Without a key it picks as Random.
func Hash() Strategy { return seededHash(rand.Uint64) }

func seededHash(r random) Strategy {
	return Strategy{"hash", func() engine { return hashing{r} }}
}

// Sticky stays with what it has once picked for a key, as long as that can be
// picked: instances that come move no key, as they do with Hash. For a key
// that is new, or has lost its instance, first picks. It remembers the last keys
// that were used, 65,536 at least, and forgets older ones; each process has a
// memory of its own. Without a key it picks as first.
func Sticky(first Strategy) Strategy {
	first.made()
	return Strategy{"sticky", func() engine { return newSticky(first.start(), stickyKeys) }}
}

var strategies = []Strategy{RoundRobin(), Random(), Weighted(), LeastPending(), Hash(), Sticky(Hash())}

// ParseStrategy finds a strategy by its name: round-robin, random, weighted,
// least-pending, hash, or sticky, which is Sticky(Hash()).
func ParseStrategy(name string) (Strategy, error) {
	names := make([]string, len(strategies))
	for i, s := range strategies {
		if s.name == name {
			return s, nil
		}
		names[i] = s.name
	}
	return Strategy{}, fmt.Errorf("naming: there is no strategy %q: it is one of %s", name, strings.Join(names, ", "))
}
