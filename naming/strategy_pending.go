package naming

// askAll is how many elements are all asked. Of more, two are drawn.
const askAll = 16

type leastPending struct{ random }

// prepare makes the table by which two of many elements are drawn: in proportion
// to their weights, or else a heavy element would be drawn too seldom to get its
// share.
func (l leastPending) prepare(g *group) picker {
	if len(g.states) <= askAll {
		return l
	}
	return twoPending{weighted(l).aliases(g)}
}

// pick compares all elements. Those that have the least to do share by their
// weights.
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

// twoPending draws two elements and takes the one that has less to do.
type twoPending struct{ aliases *aliases }

func (t twoPending) pick(g *group, _ string) int {
	var c clock
	first, second := again(g, t.aliases.draw), again(g, t.aliases.draw)
	if g.load(second, &c)*g.weights[first] < g.load(first, &c)*g.weights[second] {
		return second
	}
	return first
}

// load is the calls under way, and what failures weigh. Two loads are compared
// for the weights, by products: calls are far fewer than 2^43, so that these fit.
func (g *group) load(i int, c *clock) int64 {
	st := g.states[i]
	return st.calls.underway() + st.blame.weight(g, c)
}
