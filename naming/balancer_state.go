package naming

import (
	"sync"
	"sync/atomic"
	"time"
)

// state is what is known of one element by its use. It outlives the tables.
type state struct {
	id      string
	pending atomic.Int64
	down    atomic.Int64 // until when, on the balancer's clock; 0 if not

	mu     sync.Mutex
	errors int
	first  time.Duration // when the window began

	_ [64]byte // states that are neighbours do not share a cache line
}

// failed counts an error, and marks the element down when there are too many.
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

// group is the elements of a table, as a strategy sees them.
type group struct {
	states  []*state
	weights []int64 // 1 to MaxWeight
	now     func() time.Duration
}

// clock is read once a pick, and only when something is marked down.
type clock int64

// up reports whether the element is not marked down. A mark whose time is up
// is removed, so that the clock is not read again for it.
func (g *group) up(i int, c *clock) bool {
	st := g.states[i]
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

// upFrom is the first element from i on, around the end, that is up; i itself
// when all are down.
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
