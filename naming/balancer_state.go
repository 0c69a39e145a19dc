package naming

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// state is what use has shown of one element. It outlives the tables. Elements
// with the same key share it.
type state struct {
	key   string // identifies the element while it changes
	calls calls
	down  atomic.Int64 // when the mark ends, on the balancer's clock; 0 without a mark
	blame blame

	mu     sync.Mutex
	errors int
	first  time.Duration // when the window began

	_ [64]byte // neighbouring states do not share a cache line
}

// calls counts the calls under way. The element may be part of a total; the
// lowest bit of the word says so. Each change of the word also reads the bit at
// that moment, so that the total loses no call and counts none twice.
type calls struct {
	word  atomic.Int64  // twice the calls, plus 1 if part of the total
	total *atomic.Int64 // set before the lowest bit, and then never changed
}

func (c *calls) underway() int64 { return c.word.Load() >> 1 }

func (c *calls) begin() {
	if c.word.Add(2)&1 != 0 {
		c.total.Add(1)
	}
}

func (c *calls) end() {
	if c.word.Add(-2)&1 != 0 {
		c.total.Add(-1)
	}
}

// reserve begins a call that the caller has already added to the total, unless
// that exceeds limit. counted says whether the element is part of the total.
func (c *calls) reserve(limit int64) (taken, counted bool) {
	for {
		word := c.word.Load()
		if word>>1 >= limit {
			return false, false
		}
		if c.word.CompareAndSwap(word, word+2) {
			return true, word&1 != 0
		}
	}
}

// join makes the element part of the total. An element joins only one total.
func (c *calls) join(total *atomic.Int64) {
	if c.total == nil {
		c.total = total
	}
	if before := c.word.Or(1); before&1 == 0 {
		c.total.Add(before >> 1)
	}
}

func (c *calls) leave() {
	if before := c.word.And(^1); before&1 != 0 {
		c.total.Add(-(before >> 1))
	}
}

// blame is the weight of failed calls against an element whose calls are
// counted. Without it, an instance that breaks off calls at once would have the
// fewest under way.
type blame struct {
	failures atomic.Int64 // in a row, less one for each call that succeeded
	until    atomic.Int64 // when the failures are forgotten, on the balancer's clock
}

// The weight of failures: as much as 2, 4, 8 up to 64 calls under way, until
// blameTime after the last.
const (
	blameTime = 10 * time.Second
	maxBlame  = 6
)

func (b *blame) add(now time.Duration) {
	b.until.Store(int64(now + blameTime))
	if b.failures.Add(1) > maxBlame {
		b.failures.Store(maxBlame)
	}
}

func (b *blame) less() {
	if n := b.failures.Load(); n > 0 {
		b.failures.CompareAndSwap(n, n-1)
	}
}

// weight returns the number of calls under way that the failures count as.
func (b *blame) weight(g *group, c *clock) int64 {
	n := b.failures.Load()
	if n == 0 {
		return 0
	}
	if *c == 0 {
		*c = clock(g.now())
	}
	if int64(*c) < b.until.Load() {
		return 1 << n
	}
	b.failures.CompareAndSwap(n, 0)
	return 0
}

// failed counts an error, and marks the element down if there are too many.
func (s *state) failed(now time.Duration, rules downRules) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.errors == 0 || now-s.first >= rules.window {
		s.errors, s.first = 0, now
	}
	s.errors++
	if s.errors >= rules.errors {
		s.errors = 0
		s.down.Store(int64(now + rules.pause))
	}
}

// group is the elements of a table, as seen by a strategy.
type group struct {
	states  []*state
	weights []int64      // 1 to MaxWeight
	twins   map[int]bool // elements that share a state with an element of a lower id
	now     func() time.Duration
	tried   []*state // passed over in this pick
}

// clock is the time of a pick. It is read at most once per pick, and only if
// something is marked down.
type clock int64

// up reports whether the element is neither marked down nor tried. It removes a
// mark whose time is up, so that the clock is not read again for it.
func (g *group) up(i int, c *clock) bool {
	st := g.states[i]
	if len(g.tried) > 0 && slices.Contains(g.tried, st) {
		return false
	}
	until := st.down.Load()
	if until == 0 {
		return true
	}
	if *c == 0 {
		*c = clock(g.now())
	}
	if int64(*c) < until {
		return false
	}
	st.down.CompareAndSwap(until, 0)
	return true
}

// upFrom returns the first element from i on, around the end, that is up. It
// returns i if all are down.
func (g *group) upFrom(i int, c *clock) int {
	for n := range g.states {
		at := i + n
		if at >= len(g.states) {
			at -= len(g.states)
		}
		if g.up(at, c) {
			return at
		}
	}
	return i
}
