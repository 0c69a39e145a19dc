package naming

import (
	"math"
	"sync/atomic"
)

// bound counts the calls under way to the elements of the newest table.
type bound struct {
	factor float64
	total  *atomic.Int64
}

func newBound(factor float64) *bound {
	padded := new(struct {
		_     [64]byte // every pick writes the total
		total atomic.Int64
		_     [64]byte
	})
	return &bound{factor, &padded.total}
}

// count makes the total the number of calls to the present seats. It takes out
// the calls to former seats.
func (b *bound) count(before, now []seat) {
	stay := make(map[*state]bool, len(now))
	for i := range now {
		stay[now[i].state] = true
		now[i].state.calls.join(b.total)
	}
	for i := range before {
		if !stay[before[i].state] {
			before[i].state.calls.leave()
		}
	}
}

// boundedPicker passes over elements that have reached their limit.
type boundedPicker[I position] struct {
	hashPicker[I]
	total *atomic.Int64
	each  float64 // the factor, per weight
}

// limit returns how many of total calls an element may have. The small
// difference keeps an integer from being rounded up.
func (p *boundedPicker[I]) limit(g *group, i int, total int64) int64 {
	return int64(math.Ceil(p.each*float64(g.weights[i])*float64(total) - 1e-9))
}

func (p *boundedPicker[I]) has(g *group, i int, total int64, c *clock) bool {
	return g.up(i, c) && g.states[i].calls.underway() < p.limit(g, i, total)
}

// find returns an element with room for one of total calls, and false if none
// is found.
func (p *boundedPicker[I]) find(g *group, start uint64, total int64) (int, bool) {
	var c clock
	for h, n := start, 0; n < probes; h, n = mix(h+golden), n+1 {
		if i := p.owners.at(h >> (64 - slotBits)); p.has(g, i, total, &c) {
			return i, true
		}
	}
	first := p.owners.at(start >> (64 - slotBits))
	for n := range g.states {
		if i := (first + n) % len(g.states); p.has(g, i, total, &c) {
			return i, true
		}
	}
	return first, false
}

func (p *boundedPicker[I]) pick(g *group, key string) int {
	if i, ok := p.find(g, p.start(key), p.total.Load()+1); ok {
		return i
	}
	return p.hashPicker.pick(g, key)
}

// reserve picks, and begins the call: of several picks at the same time only
// one gets the last place.
func (p *boundedPicker[I]) reserve(g *group, key string) int {
	start, total := p.start(key), p.total.Add(1)
	for {
		i, ok := p.find(g, start, total)
		limit := int64(math.MaxInt64)
		if ok {
			limit = p.limit(g, i, total)
		} else {
			i = p.hashPicker.pick(g, key)
		}
		if taken, counted := g.states[i].calls.reserve(limit); taken {
			if !counted {
				p.total.Add(-1)
			}
			return i
		}
		total = p.total.Load()
	}
}
