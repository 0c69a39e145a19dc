package naming

import (
	"math"
	"sync/atomic"
)

// Strategies whose chance is a test's own.
var (
	SeededRandom       = func(r func() uint64) Strategy { return seededRandom(r) }
	SeededWeighted     = func(r func() uint64) Strategy { return seededWeighted(r) }
	SeededLeastPending = func(r func() uint64) Strategy { return seededLeastPending(r) }
	SeededHash         = func(r func() uint64, opts ...HashOption) Strategy { return seededHash(r, opts...) }
)

// RoundRobinFrom starts to count close to the end of what can be counted.
func RoundRobinFrom(before uint64) Strategy {
	return roundRobinFrom(func() uint64 { return math.MaxUint64 - before })
}

// Calls are the calls under way of one element.
type Calls struct{ calls }

// Pick reserves, as a pick of Hash with a BoundedLoad does.
func (c *Calls) Pick(total *atomic.Int64, limit int64) bool {
	total.Add(1)
	taken, counted := c.reserve(limit)
	if !taken || !counted {
		total.Add(-1)
	}
	return taken
}

func (c *Calls) Begin()                   { c.begin() }
func (c *Calls) End()                     { c.end() }
func (c *Calls) Join(total *atomic.Int64) { c.join(total) }
func (c *Calls) Leave()                   { c.leave() }
func (c *Calls) Underway() int64          { return c.underway() }

// Under is the codec under rules of Dubbo's operators.
func Under(c Codec, service string, paths []string) (Codec, []*OverrideError) {
	return c.(ruled).under(service, paths)
}
