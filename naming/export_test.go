package naming

import "math"

// Strategies whose chance is a test's own.
var (
	SeededRandom       = func(r func() uint64) Strategy { return seededRandom(r) }
	SeededWeighted     = func(r func() uint64) Strategy { return seededWeighted(r) }
	SeededLeastPending = func(r func() uint64) Strategy { return seededLeastPending(r) }
	SeededHash         = func(r func() uint64) Strategy { return seededHash(r) }
)

// RoundRobinFrom starts to count close to the end of what can be counted.
func RoundRobinFrom(before uint64) Strategy {
	return Strategy{"round-robin", func() engine {
		r := &roundRobin{}
		r.next.Store(math.MaxUint64 - before)
		return r
	}}
}

// StickyOf remembers few keys.
func StickyOf(first Strategy, keys int) Strategy {
	return Strategy{"sticky", func() engine { return newSticky(first.start(), keys) }}
}
