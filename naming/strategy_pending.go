package naming

// askAll is the maximum number of elements that a pick compares all of. Of
// more, two are drawn.
const askAll = 16

type leastPending struct{ random }

// prepare makes the table for drawing two of many elements. They are drawn in
// proportion to their weights: otherwise a heavy element would be drawn too
// seldom to get its share.
func (l leastPending) prepare(g *group) picker {
	if len(g.states) <= askAll {
		return l
	}
	return twoPending{weighted(l).aliases(g)}
}

// pick compares all elements. Among those with the least load, the choice is
// random, in proportion to their weights.
func (l leastPending) pick(g *group, _ string) int {
	var c clock
	var least [askAll]uint8
	n := 0
	var load, weight, total int64 // of least[0], and the weights of all in least
	for i := range g.states {
		if !g.up(i, &c) {
			continue
		}
		has := g.load(i, &c)
		switch more := has*weight - load*g.weights[i]; {
		case more > 0:
			continue
		case more < 0 || n == 0:
			n, load, weight, total = 0, has, g.weights[i], 0
		}
		least[n] = uint8(i)
		n++
		total += g.weights[i]
	}
	if n == 0 { // all are down
		return l.below(len(g.states))
	}
	if n == 1 {
		return int(least[0])
	}
	at := int64(scale(l.random(), uint64(total)))
	for _, i := range least[:n] {
		if at -= g.weights[i]; at < 0 {
			return int(i)
		}
	}
	panic("unreachable: the weights add up to the total")
}

// twoPending draws two elements and picks the one with the smaller load.
type twoPending struct{ aliases *aliases }

func (t twoPending) pick(g *group, _ string) int {
	var c clock
	first, second := again(g, t.aliases.draw), again(g, t.aliases.draw)
	if g.load(second, &c)*g.weights[first] < g.load(first, &c)*g.weights[second] {
		return second
	}
	return first
}

// load returns the calls under way, plus the weight of failures. Two loads are
// compared relative to the weights, by products: calls are far fewer than 2^43,
// so these do not overflow.
func (g *group) load(i int, c *clock) int64 {
	st := g.states[i]
	return st.calls.underway() + st.blame.weight(g, c)
}
