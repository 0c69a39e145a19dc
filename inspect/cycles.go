package inspect

import (
	"cmp"
	"slices"

	"github.com/docent-go/docent/session"
)

// Limits of the search for cycles, for each strongly connected set of waits.
// One cycle of each set is always found.
const (
	maxApart  = 16           // cycles that have no session in common
	maxCycles = 32           // cycles in all, unless more than maxApart have no session in common
	maxSteps  = 500_000      // edges, after which a cycle need not be the shortest
	maxListed = 2 * maxEdges // edges, after which no other cycle is looked for
)

// edge leads from a wait through a holder to a wait of the holder's session.
type edge struct {
	holder Owner
	to     *wait
}

// cycles returns the elementary cycles of each strongly connected set: first
// the shortest, then the shortest among the sessions of the set that are in no
// cycle yet, and so on, then all others. If the limits leave out a cycle, the
// last of its set has More.
func (g *graph) cycles() []Deadlock {
	var all []Deadlock
	for _, set := range g.components() {
		some := representatives(set)
		found, complete := g.apart(some)
		if complete {
			var more [][]edge
			more, complete = g.list(some, found, max(0, maxCycles-len(found)))
			found = append(found, more...)
		}
		for _, cycle := range found {
			all = append(all, g.deadlock(cycle, set))
		}
		all[len(all)-1].More = !complete
	}
	slices.SortStableFunc(all, func(a, b Deadlock) int { return cmp.Compare(a.Cycle[0].Waiter.Path, b.Cycle[0].Waiter.Path) })
	return all
}

// apart returns short cycles of the set that have no session in common, and
// reports whether every other cycle has a session in common with one of them.
func (g *graph) apart(set []*wait) (found [][]edge, complete bool) {
	left := make(map[*wait]bool, len(set))
	for _, w := range set {
		left[w] = true
	}
	most := g.steps + maxSteps
	for {
		onlyCyclic(set, left)
		cycle := g.cycle(set, left, most)
		if cycle == nil || len(found) == maxApart {
			return found, cycle == nil
		}
		found = append(found, cycle)
		in := make(map[session.ID]bool)
		for _, e := range cycle {
			in[e.to.who.Session] = true
		}
		for w := range left {
			if in[w.who.Session] {
				delete(left, w)
			}
		}
	}
}

// opened returns the number of cycles of an earlier graph of which a wait is
// not stuck any longer.
func (g *graph) opened(was *graph) (n int) {
	stuck := make(map[place]bool)
	for _, w := range g.waits {
		stuck[placeOf(w.path, w.who)] = w.stuck
	}
	for _, d := range was.cycles() {
		if slices.ContainsFunc(d.Cycle, func(w Wait) bool { return !stuck[placeOf(w.Lock, w.Waiter)] }) {
			n++
		}
	}
	return n
}

// onlyCyclic removes from left the waits that are in no cycle of left. So the
// search from any other wait finds a cycle.
func onlyCyclic(set []*wait, left map[*wait]bool) {
	sets := components(set, func(w *wait) bool { return left[w] })
	clear(left)
	for _, w := range slices.Concat(sets...) {
		left[w] = true
	}
}

// cycle returns the shortest cycle among the waits in left. After the given
// number of steps it returns the shortest that it has found.
func (g *graph) cycle(set []*wait, left map[*wait]bool, most int) (cycle []edge) {
	for _, w := range set {
		if !left[w] {
			continue
		}
		if r := shortest(w, left, &g.steps); cycle == nil || r != nil && len(r) < len(cycle) {
			cycle = r
		}
		if len(cycle) == 2 || cycle != nil && g.steps > most {
			break // a shorter cycle does not exist, or takes too long to find
		}
	}
	return cycle
}

// deadlock describes a cycle of edges within its set. The first edge leads to
// the first wait.
func (g *graph) deadlock(cycle []edge, set []*wait) Deadlock {
	var d Deadlock
	in := make(map[session.ID]bool)
	for i, e := range cycle {
		w := e.to
		next := cycle[(i+1)%len(cycle)]
		d.Cycle = append(d.Cycle, Wait{Lock: w.path, Kind: w.kind, Waiter: w.who, Holder: next.holder, MayBeElection: w.mayBeElection})
		if w.who.Since.After(d.Since) {
			d.Since = w.who.Since
		}
		in[w.who.Session] = true
	}
	for _, w := range behind(set) {
		if !in[w.who.Session] {
			in[w.who.Session] = true
			d.Behind = append(d.Behind, w.who.Session)
		}
	}
	slices.Sort(d.Behind)
	return d
}

// behind returns the stuck waits from which the set can be reached, including
// the set.
func behind(set []*wait) []*wait {
	all := slices.Clone(set)
	in := make(map[*wait]bool)
	for _, w := range set {
		in[w] = true
	}
	known := make(map[*hub]bool)
	for i := 0; i < len(all); i++ {
		for _, from := range all[i].from {
			if known[from.hub] || !from.hub.stuck {
				continue
			}
			known[from.hub] = true
			for _, w := range from.hub.waits {
				if !in[w] {
					in[w] = true
					all = append(all, w)
				}
			}
		}
	}
	return all
}

// shortest returns the shortest path from a wait back to itself within a set,
// as edges in turn. The first edge leads to start. shortest adds the number of
// edges that it has visited to steps.
func shortest(start *wait, set map[*wait]bool, steps *int) []edge {
	type step struct {
		holder *Owner
		from   *wait
	}
	came := make(map[*wait]step)
	known := make(map[*hub]bool)
	for queue := []*wait{start}; len(queue) > 0; queue = queue[1:] {
		from := queue[0]
		if known[from.hub] {
			continue
		}
		known[from.hub] = true
		for _, h := range from.hub.holders {
			*steps += 1 + len(h.to)
			for _, w := range h.to {
				if _, seen := came[w]; seen || !set[w] {
					continue
				}
				came[w] = step{h.owner, from}
				queue = append(queue, w)
				if w != start {
					continue
				}
				var cycle []edge
				for at := start; ; {
					s := came[at]
					cycle = append(cycle, edge{*s.holder, at})
					if at = s.from; at == start {
						// The edges were collected from the end: all but the
						// first are reversed.
						slices.Reverse(cycle[1:])
						return cycle
					}
				}
			}
		}
	}
	return nil
}

// dependencies returns the paths of the waits on which the cycles depend: the
// waits of the cycles, and the waits of further holders of their permits.
func (g *graph) dependencies() []string {
	var paths []string
	in := make(map[*wait]bool)
	known := make(map[*hub]bool)
	var all []*wait
	for _, set := range g.components() {
		all = append(all, set...)
	}
	for i := 0; i < len(all); i++ {
		if in[all[i]] {
			continue
		}
		in[all[i]] = true
		paths = append(paths, all[i].path)
		if known[all[i].hub] {
			continue
		}
		known[all[i].hub] = true
		for _, h := range all[i].hub.holders {
			all = append(all, h.to...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
