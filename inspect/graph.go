package inspect

import (
	"cmp"
	"slices"
)

// graph says who waits for whom over the locks of a report.
//
// A waiter in a line waits for all who hold: for those directly, or because
// somebody before it does. So only holders are looked at; that somebody who
// waits stands before it adds nothing.
type graph struct {
	waits []*wait
}

// resource is what is waited for. A waiter gets it when all of its holders have
// gone, or, with any, as soon as one has.
type resource struct {
	path          string
	kind          Kind
	holders       []Party
	first         Party // of those who wait
	any           bool
	free          bool // there is a holder that is not known, or something is to be had
	mayBeElection bool
}

// wait is one node that waits.
type wait struct {
	*resource
	who   Party
	stuck bool
	next  []edge // to whom the holders are that are stuck themselves
}

// edge leads to another wait, of the session that holds what the first wants.
type edge struct {
	holder Party
	to     *wait
}

func newGraph(r *Report) *graph {
	g := new(graph)
	for _, f := range r.Findings {
		res := &resource{path: f.Head().Path, kind: f.Head().Kind}
		var waiters []Party
		switch f := f.(type) {
		case *Lock:
			if f.Holder != nil {
				res.holders = []Party{*f.Holder}
			}
			waiters, res.mayBeElection = f.Waiters, f.MayBeElection
		case *RWLock:
			res.holders, waiters = f.Holders, f.Waiters
		case *Semaphore:
			res.holders, waiters, res.any = f.Holders, f.Waiters, true
			res.free = f.Used > len(f.Holders) || f.Used < f.Limit
		}
		if len(waiters) > 0 {
			res.first = waiters[0]
		}
		for _, p := range waiters {
			if p.Session != 0 {
				g.waits = append(g.waits, &wait{resource: res, who: p, stuck: true})
			}
		}
	}
	g.settle()
	return g
}

// settle finds out who is stuck: the largest set of waits of which none can
// end before another of them has.
func (g *graph) settle() {
	bySession := make(map[SessionID][]*wait)
	for _, w := range g.waits {
		bySession[w.who.Session] = append(bySession[w.who.Session], w)
		for _, id := range w.who.Under { // their holds last until this wait is over
			bySession[id] = append(bySession[id], w)
		}
	}
	for changed := true; changed; {
		changed = false
		for _, w := range g.waits {
			if !w.stuck {
				continue
			}
			w.next = nil
			held := 0 // by those that are stuck
			for _, h := range w.holders {
				before := len(w.next)
				for _, other := range bySession[h.Session] {
					if other.stuck && other.path != w.path && other.who.Session != w.who.Session {
						w.next = append(w.next, edge{h, other})
					}
				}
				if len(w.next) > before {
					held++
				}
			}
			if w.any {
				w.stuck = !w.free && held > 0 && held == len(w.holders)
			} else {
				w.stuck = held > 0
			}
			changed = changed || !w.stuck
		}
	}
}

// rings returns one ring, the shortest, of each set of waits that are in reach
// of each other.
func (g *graph) rings() []Deadlock {
	var all []Deadlock
	for _, set := range g.components() {
		var ring []edge
		for _, w := range set {
			if r := shortest(w, set); ring == nil || r != nil && len(r) < len(ring) {
				ring = r
			}
		}
		if ring != nil {
			all = append(all, g.deadlock(ring, set))
		}
	}
	slices.SortFunc(all, func(a, b Deadlock) int { return cmp.Compare(a.Ring[0].Waiter.Path, b.Ring[0].Waiter.Path) })
	return all
}

// deadlock describes a ring of edges, the first of which leads to the first wait, within its set.
func (g *graph) deadlock(ring []edge, set []*wait) Deadlock {
	var d Deadlock
	in := make(map[SessionID]bool)
	for i, e := range ring {
		w := e.to
		next := ring[(i+1)%len(ring)]
		d.Ring = append(d.Ring, Wait{Lock: w.path, Kind: w.kind, Waiter: w.who, Holder: next.holder, MayBeElection: w.mayBeElection})
		if w.who.Since.After(d.Since) {
			d.Since = w.who.Since
		}
		in[w.who.Session] = true
	}
	for _, w := range g.behind(set) {
		if !in[w.who.Session] {
			in[w.who.Session] = true
			d.Behind = append(d.Behind, w.who.Session)
		}
	}
	slices.Sort(d.Behind)
	return d
}

// behind returns the stuck waits from which the set can be reached, the set
// included.
func (g *graph) behind(set []*wait) []*wait {
	all := slices.Clone(set)
	in := make(map[*wait]bool)
	for _, w := range set {
		in[w] = true
	}
	for more := true; more; {
		more = false
		for _, w := range g.waits {
			if w.stuck && !in[w] && slices.ContainsFunc(w.next, func(e edge) bool { return in[e.to] }) {
				in[w], more = true, true
				all = append(all, w)
			}
		}
	}
	return all
}

// shortest returns the shortest way from a wait back to itself within a set, as
// the edges in turn, beginning with the one that leads to start.
func shortest(start *wait, set []*wait) []edge {
	type step struct {
		edge
		from *wait
	}
	came := make(map[*wait]step)
	for queue := []*wait{start}; len(queue) > 0; queue = queue[1:] {
		for _, e := range queue[0].next {
			if _, seen := came[e.to]; seen || !e.to.stuck || !slices.Contains(set, e.to) {
				continue
			}
			came[e.to] = step{e, queue[0]}
			queue = append(queue, e.to)
			if e.to != start {
				continue
			}
			var ring []edge
			for at := start; ; {
				s := came[at]
				ring = append(ring, s.edge)
				if at = s.from; at == start {
					// Collected from the end: start's own edge is first, the others come in reverse.
					slices.Reverse(ring[1:])
					return ring
				}
			}
		}
	}
	return nil
}

// grounds returns the paths at which those wait on whom the rings depend: who
// is in one, and further holders of permits that are wanted in it.
func (g *graph) grounds() []string {
	var paths []string
	seen := make(map[*wait]bool)
	var visit func(*wait)
	visit = func(w *wait) {
		if seen[w] {
			return
		}
		seen[w] = true
		paths = append(paths, w.path)
		for _, e := range w.next {
			visit(e.to)
		}
	}
	for _, set := range g.components() {
		for _, w := range set {
			visit(w)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// keep leaves of g what stood in an earlier one, with the very same nodes. The two were not read in an
// instant each; what is in both stood all the while from the one to the other.
//
// A semaphore that has moved on is free: somebody has given a permit back or has got one, and may do so
// again. That its holders are the same does not tell: between two short holders a permit is nobody's.
func (g *graph) keep(was *graph) {
	type place struct {
		path, node string
		token      int64
		session    SessionID
	}
	at := func(w *wait) place { return place{w.path, w.who.Path, w.who.Token, w.who.Session} }
	before := make(map[string]*resource)
	waited := make(map[place]bool)
	for _, w := range was.waits {
		before[w.path], waited[at(w)] = w.resource, true
	}
	g.waits = slices.DeleteFunc(g.waits, func(w *wait) bool { return !waited[at(w)] })
	for _, w := range g.waits {
		old := before[w.path]
		stood := slices.DeleteFunc(slices.Clone(w.holders), func(h Party) bool { return !has(old.holders, h) })
		if w.any {
			w.free = w.free || len(stood) < len(w.holders) || len(stood) < len(old.holders) || !same(old.first, w.first)
		}
		w.holders = stood
	}
	g.settle()
}

// confirms reports whether a ring that was found before stands here too, with
// the very same nodes.
func (g *graph) confirms(d Deadlock) bool {
	for _, was := range d.Ring {
		if !slices.ContainsFunc(g.waits, func(w *wait) bool {
			return w.stuck && w.path == was.Lock && same(w.who, was.Waiter) && has(w.holders, was.Holder)
		}) {
			return false
		}
	}
	return true
}

func has(all []Party, p Party) bool {
	return slices.ContainsFunc(all, func(other Party) bool { return same(other, p) })
}

func same(a, b Party) bool {
	return a.Path == b.Path && a.Token == b.Token && a.Session == b.Session
}

// components returns the sets of stuck waits of which each can be reached from
// each other, and that have more than one.
func (g *graph) components() [][]*wait {
	t := &tarjan{index: make(map[*wait]int), low: make(map[*wait]int), on: make(map[*wait]bool)}
	for _, w := range g.waits {
		if _, seen := t.index[w]; !seen && w.stuck {
			t.visit(w)
		}
	}
	return t.sets
}

// tarjan is the state of Tarjan's algorithm for strongly connected components.
type tarjan struct {
	index, low map[*wait]int
	on         map[*wait]bool
	stack      []*wait
	sets       [][]*wait
}

func (t *tarjan) visit(w *wait) {
	t.index[w], t.low[w] = len(t.index), len(t.index)
	t.stack = append(t.stack, w)
	t.on[w] = true
	for _, e := range w.next {
		if !e.to.stuck {
			continue
		}
		if _, seen := t.index[e.to]; !seen {
			t.visit(e.to)
			t.low[w] = min(t.low[w], t.low[e.to])
		} else if t.on[e.to] {
			t.low[w] = min(t.low[w], t.index[e.to])
		}
	}
	if t.low[w] != t.index[w] {
		return
	}
	at := slices.Index(t.stack, w)
	set := slices.Clone(t.stack[at:])
	t.stack = t.stack[:at]
	for _, x := range set {
		t.on[x] = false
	}
	if len(set) > 1 {
		t.sets = append(t.sets, set)
	}
}
