package naming

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/docent-go/docent/internal/base/misuse"
)

// Strategy is how a Balancer picks. Each Balancer keeps its own state of the
// strategy.
type Strategy struct {
	name  string
	start func() engine
	err   error // of an option; the Balancer reports it
}

// made panics for the zero Strategy.
func (s Strategy) made() {
	misuse.ZeroValue(s.start == nil, "naming.Strategy", "naming.RoundRobin or one of the others")
}

// String returns the name that ParseStrategy takes.
func (s Strategy) String() string { return s.name }

// engine is the state of a strategy in one balancer. It outlives the tables.
type engine interface {
	// prepare is called once for each table, never for an empty one.
	prepare(g *group) picker
}

// picker picks from one table, concurrently.
type picker interface {
	pick(g *group, key string) int
}

// reserver is a picker that also begins the call to the element it picks.
type reserver interface {
	reserve(g *group, key string) int
}

// random is the source of chance of the strategies.
type random func() uint64

// below returns a number from 0 to n-1.
func (r random) below(n int) int { return int(scale(r(), uint64(n))) }

// RoundRobin picks one element after the other, in the order of the source.
// Each Balancer begins at a random place, so that many clients that start at
// the same time do not all call the same instance first. The count is an
// unsigned 64-bit number, so its overflow does not give a negative place.
func RoundRobin() Strategy { return roundRobinFrom(rand.Uint64) }

func roundRobinFrom(start random) Strategy {
	return Strategy{name: "round-robin", start: func() engine {
		r := &roundRobin{}
		r.next.Store(start())
		return r
	}}
}

// Random picks any element with equal probability.
func Random() Strategy { return seededRandom(rand.Uint64) }

func seededRandom(r random) Strategy {
	return Strategy{name: "random", start: func() engine { return uniform{r} }}
}

// Weighted picks any element with a probability in proportion to its weight. It
// uses Vose's alias method.
func Weighted() Strategy { return seededWeighted(rand.Uint64) }

func seededWeighted(r random) Strategy {
	return Strategy{name: "weighted", start: func() engine { return weighted{r} }}
}

// LeastPending picks the element with the fewest calls of this process under
// way (picked, and not Done), relative to its weight. Of up to 16 elements it
// compares all. Of more it compares two, which are drawn by their weights: two
// are nearly as good as all, and comparing thousands would make each pick slow.
// Among elements with equally few calls the choice is random, in proportion to
// their weights. A failed call counts as up to 64 calls under way for ten
// seconds: otherwise an instance that breaks off each call at once would have
// the fewest. PickOther leaves out the elements that have failed the same call.
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
// share by weight, rounded up, as of the pick. This is consistent hashing with
// bounded loads. If a key's element has no room, the key goes to another
// element, which the key determines too. Done has to be called. The factor must
// be greater than 1: a smaller factor spreads the calls better, and moves more
// keys. 1.25 is usual.
//
// Elements that are marked down count in the shares. The limit is exceeded if
// no element that is up has room. PickOther and Sticky do not keep it.
func BoundedLoad(factor float64) HashOption {
	return func(r *hashRules) {
		r.bound = factor
		if !(factor > 1) || math.IsInf(factor, 1) {
			r.err = fmt.Errorf("BoundedLoad(%v): the factor must be greater than 1", factor)
		}
	}
}

// Hash picks by the key (consistent hashing): every process that has the same
// instances picks the same one for a key, whatever the order of the instances.
// If an instance leaves, only its keys move. If an instance comes, it takes its
// share from the others, and no other key moves. Shares are in proportion to
// the weights, and a change of a weight moves keys only to or from that
// instance. Without a key it picks as Weighted.
//
// An instance has its keys by its ID, whatever else of it changes. Two kinds of
// ID do not last: a DynamicSequential instance gets another in each session,
// and the ID of a Dubbo instance holds its weight and its metadata. These
// instances have their keys by their address and ports.
//
// Of 100 instances with equal weights the busiest has about 4 % more slots than
// the mean; the hashes of the keys add chance to that. A Balancer needs 256 KiB
// for up to 256 instances, 512 KiB for up to 65,536, and twice as much for an
// instant when the instances change.
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

// StickyKeys sets the maximum number of remembered keys, 131,072 by default.
// The least recently used keys are forgotten first. At least half of that
// number, less a few percent, is always remembered. A key takes some 50 bytes,
// however long it is.
func StickyKeys(keys int) StickyOption {
	return func(r *stickyRules) {
		r.keys = keys
		if keys < 2 {
			r.err = fmt.Errorf("StickyKeys(%d): at least two keys must be remembered", keys)
		}
	}
}

// Sticky picks the same element for a key as before, as long as it can be
// picked. Unlike with Hash, instances that come move no key. For a key that is
// new, or has lost its instance, first picks. PickOther moves no key. Sticky
// remembers the most recently used keys (StickyKeys) and forgets older ones.
// Each process has a memory of its own. Without a key, first picks.
func Sticky(first Strategy, opts ...StickyOption) Strategy {
	first.made()
	rules := stickyRules{keys: defaultStickyKeys}
	misuse.Apply("naming.Sticky", &rules, opts)
	return Strategy{name: "sticky", err: cmp.Or(first.err, rules.err), start: func() engine { return newSticky(first.start(), rules.keys) }}
}

var strategies = []Strategy{RoundRobin(), Random(), Weighted(), LeastPending(), Hash(), Sticky(Hash())}

// ParseStrategy returns a strategy by its name: round-robin, random, weighted,
// least-pending, hash, or sticky, which is Sticky(Hash()).
func ParseStrategy(name string) (Strategy, error) {
	names := make([]string, len(strategies))
	for i, s := range strategies {
		if s.name == name {
			return s, nil
		}
		names[i] = s.name
	}
	return Strategy{}, fmt.Errorf("unknown strategy %q: use one of %s", name, strings.Join(names, ", "))
}
