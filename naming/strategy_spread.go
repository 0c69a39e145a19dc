package naming

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// scale maps x, uniform over 64 bits, to 0 to n-1 without a division.
func scale(x, n uint64) uint64 {
	hi, _ := bits.Mul64(x, n)
	return hi
}

type roundRobin struct{ next atomic.Uint64 }

func (r *roundRobin) prepare(g *group) picker {
	n := uint64(len(g.states))
	return &turns{count: &r.next, n: n, inverse: math.MaxUint64 / n}
}

// turns is a round robin among n elements.
type turns struct {
	count   *atomic.Uint64
	n       uint64
	inverse uint64 // 1/n, in parts of 2^64
}

// turn returns the next place: the count modulo n. It multiplies, which takes a
// fraction of the time of a division. The quotient is too small by at most two.
func (t *turns) turn() int {
	count := t.count.Add(1) - 1
	rest := count - scale(count, t.inverse)*t.n
	for rest >= t.n {
		rest -= t.n
	}
	return int(rest)
}

func (t *turns) pick(g *group, _ string) int {
	i := t.turn()
	var c clock
	// An element that is down uses up its turn: the element after it does not get
	// two turns.
	for range g.states {
		if g.up(i, &c) {
			return i
		}
		i = t.turn()
	}
	return g.upFrom(i, &c)
}

type uniform struct{ random }

func (u uniform) prepare(*group) picker { return u }

func (u uniform) pick(g *group, _ string) int {
	return again(g, func() int { return u.below(len(g.states)) })
}

// again draws until the drawn element is up. After some draws in vain it tries
// all elements in turn.
func again(g *group, draw func() int) int {
	const draws = 8
	var c clock
	i := 0
	for range draws {
		i = draw()
		if g.up(i, &c) {
			return i
		}
	}
	return g.upFrom(i, &c)
}

type weighted struct{ random }

// aliases is the table of the alias method. A draw chooses a slot, and then the
// slot's own element or the other. It uses integers, so that rounding favours
// no element.
type aliases struct {
	random random
	total  uint64
	slots  []alias
}

type alias struct {
	own   uint64 // the part of total that belongs to the slot's own element
	other uint32
}

func (w weighted) prepare(g *group) picker { return w.aliases(g) }

// aliases makes the table by Vose's method. With at most 2^32 elements and
// weights up to MaxWeight nothing overflows.
func (w weighted) aliases(g *group) *aliases {
	n := len(g.weights)
	a := &aliases{random: w.random, slots: make([]alias, n)}
	for _, weight := range g.weights {
		a.total += uint64(weight)
	}
	left := make([]uint64, n)
	var small, large []int
	sort := func(i int) {
		if left[i] < a.total {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for i, weight := range g.weights {
		left[i] = uint64(weight) * uint64(n)
		a.slots[i] = alias{a.total, uint32(i)}
		sort(i)
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small, large = small[:len(small)-1], large[:len(large)-1]
		a.slots[s] = alias{left[s], uint32(l)}
		left[l] -= a.total - left[s]
		sort(l)
	}
	return a
}

func (a *aliases) pick(g *group, _ string) int { return again(g, a.draw) }

func (a *aliases) draw() int {
	// The upper half of the product is the slot; the lower half is uniform again.
	hi, lo := bits.Mul64(a.random(), uint64(len(a.slots)))
	slot := a.slots[hi]
	if scale(lo, a.total) < slot.own {
		return int(hi)
	}
	return int(slot.other)
}
