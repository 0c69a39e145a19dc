package naming

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/docent-go/docent/internal/misuse"
)

// Strategy is how a Balancer picks. Each Balancer that is made of it keeps its
// own account.
type Strategy struct {
	name  string
	start func() engine
	err   error // of an option; the Balancer reports it
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

// reserver is a picker that begins the call to what it picks.
type reserver interface {
	reserve(g *group, key string) int
}

// random makes the choices of all strategies that leave something to chance.
type random func() uint64

// below gives a number from 0 to n-1.
func (r random) below(n int) int { return int(scale(r(), uint64(n))) }

// RoundRobin picks one after the other, in the order of the source. Each
// Balancer begins at a random place, so that many clients that start at the same
// time do not all call the same instance first. It counts in 64 bits without a
// sign, and so never gets to a negative place.
func RoundRobin() Strategy { return roundRobinFrom(rand.Uint64) }

func roundRobinFrom(start random) Strategy {
	return Strategy{name: "round-robin", start: func() engine {
		r := &roundRobin{}
		r.next.Store(start())
		return r
	}}
}

// Random picks any, each as likely as the others.
func Random() Strategy { return seededRandom(rand.Uint64) }

func seededRandom(r random) Strategy {
	return Strategy{name: "random", start: func() engine { return uniform{r} }}
}

// Weighted picks any, each as likely as its weight says, by chance: Vose's
// alias method.
func Weighted() Strategy { return seededWeighted(rand.Uint64) }

func seededWeighted(r random) Strategy {
	return Strategy{name: "weighted", start: func() engine { return weighted{r} }}
}

// LeastPending picks the element with the fewest calls of this process under way
// (picked, and not Done) for its weight. It compares all of up to 16 elements, and
// of more two that are drawn by their weights: two are nearly as good as all, and
// asking all of thousands would make each pick slow. Elements with equally few
// calls share by chance, in proportion to their weights. A call that has failed
// counts as up to 64 calls under way for ten seconds: an instance that breaks
// off each call at once would have the fewest otherwise. PickOther leaves out the
// elements that have failed the same call.
func LeastPending() Strategy { return seededLeastPending(rand.Uint64) }

func seededLeastPending(r random) Strategy {
	return Strategy{name: "least-pending", start: func() engine { return leastPending{r} }}
}

// HashOption changes how Hash picks.
type HashOption func(*hashRules)

type hashRules struct {
	bound float64 // 0: none
	err   error
}

// BoundedLoad limits the calls under way of each element to factor times its
// share by weight, rounded up, as of the pick: consistent hashing with bounded
// loads. A key whose element has no room goes to another, which the key determines
// too. Done has to be called. The factor must be greater than 1: a smaller one
// spreads the calls better, and moves more keys. 1.25 is usual.
//
// Elements that are marked down count in the shares. The limit is not kept if no
// element that is up has room, nor by PickOther and Sticky.
func BoundedLoad(factor float64) HashOption {
	return func(r *hashRules) {
		r.bound = factor
		if !(factor > 1) || math.IsInf(factor, 1) {
			r.err = fmt.Errorf("naming: BoundedLoad(%v): the factor must be greater than 1", factor)
		}
	}
}

// Hash picks by the key: every process that has the same instances picks the
// same one for a key, whatever the order of the instances (consistent hashing).
// When an instance leaves, its keys move, and no others; when one comes, it takes
// its share from the others, and no other key moves. Shares are in proportion to
// the weights, and a change of a weight moves keys to or from that instance alone.
// Without a key it picks as Weighted.
//
// An instance has its keys by its ID, whatever else of it changes. Two kinds of
// ID do not last: a DynamicSequential instance gets another in each session, and
// the ID of a Dubbo instance holds its weight and its metadata. These instances
// have their keys by their address and ports.
//
// Of 100 instances with equal weights the busiest has about 4 % more keys than
// the mean, apart from what chance does to the keys. A Balancer needs 256 KiB for
// up to 256 instances, 512 KiB for up to 65,536, and twice as much for an instant
// when the instances change.
func Hash(opts ...HashOption) Strategy { return seededHash(rand.Uint64, opts...) }

func seededHash(r random, opts ...HashOption) Strategy {
	var rules hashRules
	misuse.Apply("naming.Hash", &rules, opts)
	return Strategy{name: "hash", err: rules.err, start: func() engine {
		h := &hashing{random: r}
		if rules.bound != 0 {
			h.bound = newBound(rules.bound)
		}
		return h
	}}
}

// StickyOption changes how Sticky remembers.
type StickyOption func(*stickyRules)

type stickyRules struct {
	keys int
	err  error
}

// StickyKeys is how many keys are remembered at most, 131,072 by default. The
// keys that were used last are kept, the last half of that number at least, but
// for a few percent. A key takes some 50 bytes, however long it is.
func StickyKeys(most int) StickyOption {
	return func(r *stickyRules) {
		r.keys = most
		if most < 2 {
			r.err = fmt.Errorf("naming: StickyKeys(%d): at least two keys have to be remembered", most)
		}
	}
}

// Sticky stays with what it has once picked for a key, as long as that can be
// picked: instances that come move no key, as they do with Hash. For a key
// that is new, or has lost its instance, first picks. PickOther moves no key. Sticky
// remembers the keys that were used last (StickyKeys) and forgets older ones; each
// process has a memory of its own. Without a key it picks as first.
func Sticky(first Strategy, opts ...StickyOption) Strategy {
	first.made()
	rules := stickyRules{keys: defaultStickyKeys}
	misuse.Apply("naming.Sticky", &rules, opts)
	return Strategy{name: "sticky", err: cmp.Or(first.err, rules.err), start: func() engine { return newSticky(first.start(), rules.keys) }}
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
