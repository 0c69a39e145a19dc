package inspect

import (
	"slices"

	"github.com/docent-go/docent/session"
)

// graph has the waits of sessions for the holders of a report's recipes.
//
// A waiter in a queue waits for all holders: for some directly, for others
// since a waiter before it does. So the graph has edges to holders alone. An
// edge to an earlier waiter would add nothing.
//
// Every wait leads to a hub, every hub to its holders, and every holder to the
// waits of its session. So the size of the graph grows with the number of
// nodes, and not with the number of pairs of holders and waiters.
type graph struct {
	waits []*wait
	hubs  []*hub
	cut   bool // maxEdges was reached: some waits are left out
}

// resource is a recipe that sessions wait for. A waiter gets it when all of its
// holders have gone. If any is true, it gets it when one holder has gone.
type resource struct {
	path          string
	kind          Kind
	holders       []Owner
	first         Owner // the first waiter
	any           bool
	free          bool // a holder is not known, or a permit is free
	mayBeElection bool
}

// wait is a node that waits.
type wait struct {
	*resource
	who   Owner
	hub   *hub
	stuck bool
	from  []*holding // the holdings that lead to this wait
}

// hub is a resource, for one or more waits. A session does not wait for itself:
// a wait has its own hub if a holder of the resource leads to the wait's
// session.
type hub struct {
	*resource
	waits   []*wait
	holders []*holding
	held    int // the number of stuck holders
	stuck   bool
}

// holding is a holder, and the waits that must end before it releases.
type holding struct {
	owner *Owner
	hub   *hub
	to    []*wait
	stuck int // the number of stuck waits in to
}

// maxEdges limits the memory of a graph in which many sessions hold and wait at
// the same paths. A graph of 450 holders and 450 waiters has a thousand edges.
const maxEdges = 1_000_000

func newGraph(r *Report) *graph {
	g := new(graph)
	for _, f := range r.Findings {
		res := &resource{path: f.Head().Path, kind: f.Head().Kind}
		var waiters []Owner
		switch f := f.(type) {
		case *Lock:
			if f.Holder != nil {
				res.holders = []Owner{*f.Holder}
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
				g.waits = append(g.waits, &wait{resource: res, who: p})
			}
		}
	}
	g.settle()
	return g
}

// place identifies a node, also among nodes that are created again at its path.
type place struct {
	path, node string
	token      int64
	session    session.ID
}

func placeOf(path string, p Owner) place { return place{path, p.Path, p.Token, p.Session} }

func same(a, b Owner) bool { return placeOf("", a) == placeOf("", b) }

// keep removes from g all waits and holders whose nodes are not in an earlier
// graph. The nodes in both graphs existed during the whole time from the first
// read to the second.
//
// A semaphore that has changed counts as free: a permit was released or
// acquired, and may be again. To compare the holders alone is not enough, since
// a permit is free between two short holders.
func (g *graph) keep(was *graph) {
	before := make(map[string]*resource)
	held, waited := make(map[place]bool), make(map[place]bool)
	for _, w := range was.waits {
		waited[placeOf(w.path, w.who)] = true
		if before[w.path] == w.resource {
			continue
		}
		before[w.path] = w.resource
		for _, h := range w.holders {
			held[placeOf(w.path, h)] = true
		}
	}
	g.waits = slices.DeleteFunc(g.waits, func(w *wait) bool { return !waited[placeOf(w.path, w.who)] })
	done := make(map[*resource]bool)
	for _, w := range g.waits {
		if done[w.resource] {
			continue
		}
		done[w.resource] = true
		old := before[w.path]
		stood := slices.DeleteFunc(slices.Clone(w.holders), func(h Owner) bool { return !held[placeOf(w.path, h)] })
		if w.any {
			w.free = w.free || len(stood) < len(w.holders) || len(stood) < len(old.holders) || !same(old.first, w.first)
		}
		w.holders = stood
	}
	g.settle()
}

// link makes the hubs and the edges.
func (g *graph) link() {
	g.hubs = nil
	bySession := make(map[session.ID][]*wait) // the waits that keep the session's holds
	own := make(map[session.ID][]*wait)
	byResource := make(map[*resource][]*wait)
	var order []*resource
	for _, w := range g.waits {
		w.hub, w.from = nil, nil
		own[w.who.Session] = append(own[w.who.Session], w)
		bySession[w.who.Session] = append(bySession[w.who.Session], w)
		for _, id := range w.who.ParentSessions { // the holds of these sessions last until this wait is over
			bySession[id] = append(bySession[id], w)
		}
		if byResource[w.resource] == nil {
			order = append(order, w.resource)
		}
		byResource[w.resource] = append(byResource[w.resource], w)
	}
	edges := 0
	connect := func(res *resource, waits []*wait, except session.ID) {
		h := &hub{resource: res, waits: waits}
		for _, w := range waits {
			w.hub = h
		}
		for i := range res.holders {
			p := &res.holders[i]
			to := &holding{owner: p, hub: h}
			edges++
			for _, w := range bySession[p.Session] {
				if w.path != res.path && w.who.Session != except {
					edges++
					to.to = append(to.to, w)
					w.from = append(w.from, to)
				}
			}
			h.holders = append(h.holders, to)
		}
		g.hubs = append(g.hubs, h)
	}
	for _, res := range order {
		holds := make(map[session.ID]bool)
		for _, p := range res.holders {
			holds[p.Session] = true
		}
		var common []*wait
		for _, w := range byResource[res] {
			switch {
			case !slices.ContainsFunc(own[w.who.Session], func(o *wait) bool { return o.path != res.path && o.keeps(holds) }):
				common = append(common, w)
			case edges < maxEdges:
				connect(res, []*wait{w}, w.who.Session)
			default:
				g.cut = true
			}
		}
		if len(common) > 0 {
			connect(res, common, 0)
		}
	}
	if n := len(g.waits); g.cut {
		g.waits = slices.DeleteFunc(g.waits, func(w *wait) bool { return w.hub == nil })
		if len(g.waits) < n {
			g.link() // without the waits that were left out
		}
	}
}

// keeps reports whether a wait keeps the holds of one of the sessions.
func (w *wait) keeps(sessions map[session.ID]bool) bool {
	return sessions[w.who.Session] || slices.ContainsFunc(w.who.ParentSessions, func(id session.ID) bool { return sessions[id] })
}

// settle finds the stuck waits: the largest set in which each wait can end only
// after another wait of the set.
func (g *graph) settle() {
	g.link()
	for _, w := range g.waits {
		w.stuck = true
	}
	var free []*hub
	for _, h := range g.hubs {
		for _, to := range h.holders {
			if to.stuck = len(to.to); to.stuck > 0 {
				h.held++
			}
		}
		if h.stuck = h.blocked(); !h.stuck {
			free = append(free, h)
		}
	}
	for len(free) > 0 {
		last := free[len(free)-1]
		free = free[:len(free)-1]
		for _, w := range last.waits {
			w.stuck = false
			for _, from := range w.from {
				if from.stuck--; from.stuck > 0 {
					continue
				}
				h := from.hub
				if h.held--; h.stuck && !h.blocked() {
					h.stuck = false
					free = append(free, h)
				}
			}
		}
	}
}

// blocked reports whether the stuck holders block the waits of the hub.
func (h *hub) blocked() bool {
	if h.any {
		return !h.free && h.held > 0 && h.held == len(h.holders)
	}
	return h.held > 0
}

// components returns the strongly connected sets of more than one stuck wait.
func (g *graph) components() [][]*wait {
	t := &tarjan{seen: make(map[*wait]*visit), hubs: make(map[*hub]*visit)}
	for _, w := range g.waits {
		if t.seen[w] == nil && w.stuck {
			t.visit(w)
		}
	}
	return t.sets
}

// tarjan is the state of Tarjan's algorithm for strongly connected components.
type tarjan struct {
	seen  map[*wait]*visit
	hubs  map[*hub]*visit
	count int
	stack []*visit
	sets  [][]*wait
}

// visit is the algorithm's state of a wait or a hub.
type visit struct {
	wait       *wait // nil for a hub
	index, low int
	on         bool
}

func (t *tarjan) enter(w *wait) *visit {
	v := &visit{wait: w, index: t.count, low: t.count, on: true}
	t.count++
	t.stack = append(t.stack, v)
	return v
}

func (t *tarjan) visit(w *wait) *visit {
	v := t.enter(w)
	t.seen[w] = v
	next, known := t.hubs[w.hub]
	if !known {
		next = t.visitHub(w.hub)
		v.low = min(v.low, next.low)
	} else if next.on {
		v.low = min(v.low, next.index)
	}
	t.leave(v)
	return v
}

func (t *tarjan) visitHub(h *hub) *visit {
	v := t.enter(nil)
	t.hubs[h] = v
	for _, from := range h.holders {
		for _, w := range from.to {
			if !w.stuck {
				continue
			}
			next, known := t.seen[w]
			if !known {
				next = t.visit(w)
				v.low = min(v.low, next.low)
			} else if next.on {
				v.low = min(v.low, next.index)
			}
		}
	}
	t.leave(v)
	return v
}

func (t *tarjan) leave(v *visit) {
	if v.low != v.index {
		return
	}
	at := slices.Index(t.stack, v)
	var set []*wait
	for _, x := range t.stack[at:] {
		if x.on = false; x.wait != nil {
			set = append(set, x.wait)
		}
	}
	t.stack = t.stack[:at]
	if len(set) > 1 {
		t.sets = append(t.sets, set)
	}
}
