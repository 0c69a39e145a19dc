package inspect

import (
	"cmp"
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
	steps int  // the edges that the search for cycles has visited
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

// plan is a hub that is to be made. A wait whose session keeps a holder of the
// resource has a hub of its own, which leaves out the session's waits (except).
type plan struct {
	*resource
	waits  []*wait
	except session.ID
	size   int // the greatest number of its edges
	at     int // the number of the resource's hubs before it
	left   bool
}

// link makes the hubs and the edges.
func (g *graph) link() {
	g.hubs = nil
	bySession := make(map[session.ID][]*wait) // the waits that keep the session's holds
	for _, w := range g.waits {
		w.hub, w.from = nil, nil
		bySession[w.who.Session] = append(bySession[w.who.Session], w)
		for _, id := range w.who.ParentSessions { // the holds of these sessions last until this wait is over
			bySession[id] = append(bySession[id], w)
		}
	}
	plans := g.plans(bySession)
	if g.cut = leaveLargest(plans) || g.cut; g.cut {
		n := len(g.waits)
		g.waits = nil
		for _, p := range plans {
			if !p.left {
				g.waits = append(g.waits, p.waits...)
			}
		}
		if len(g.waits) < n {
			g.link() // without the waits that were left out
			return
		}
	}
	for _, p := range plans {
		g.connect(p, bySession)
	}
}

// plans returns the hubs of all waits, in the order of the resources.
func (g *graph) plans(bySession map[session.ID][]*wait) (plans []*plan) {
	byResource := make(map[*resource][]*wait)
	var order []*resource
	for _, w := range g.waits {
		if byResource[w.resource] == nil {
			order = append(order, w.resource)
		}
		byResource[w.resource] = append(byResource[w.resource], w)
	}
	keeps := g.keepers()
	for _, res := range order {
		size := 0
		for _, p := range res.holders {
			size += 1 + len(bySession[p.Session])
		}
		at := 0
		own := make(map[session.ID]bool) // whether the session keeps a holder by a wait elsewhere
		var common []*wait
		for _, w := range byResource[res] {
			id := w.who.Session
			if _, known := own[id]; !known {
				own[id] = keeps[id].besides(res)
			}
			if own[id] {
				plans = append(plans, &plan{resource: res, waits: []*wait{w}, except: id, size: size, at: at})
				at++
			} else {
				common = append(common, w)
			}
		}
		if len(common) > 0 {
			plans = append(plans, &plan{resource: res, waits: common, size: size})
		}
	}
	return plans
}

// leaveLargest leaves out the largest hubs, if all have more edges than the
// limit. So no session can hide the others by many znodes. Hubs of one size are
// kept in turns: one of each resource.
func leaveLargest(plans []*plan) (left bool) {
	total := 0
	for _, p := range plans {
		total += p.size
	}
	if total <= maxEdges {
		return false
	}
	bySize := slices.Clone(plans)
	slices.SortStableFunc(bySize, func(a, b *plan) int {
		return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.at, b.at))
	})
	room := maxEdges
	for _, p := range bySize {
		room -= p.size
		p.left = room < 0
	}
	return true
}

// connect makes a hub and its edges.
func (g *graph) connect(p *plan, bySession map[session.ID][]*wait) {
	h := &hub{resource: p.resource, waits: p.waits}
	for _, w := range p.waits {
		w.hub = h
	}
	for i := range p.holders {
		owner := &p.holders[i]
		to := &holding{owner: owner, hub: h}
		for _, w := range bySession[owner.Session] {
			if w.path != p.path && w.who.Session != p.except {
				to.to = append(to.to, w)
				w.from = append(w.from, to)
			}
		}
		h.holders = append(h.holders, to)
	}
	g.hubs = append(g.hubs, h)
}

// keeper is what the waits of one session keep: the sessions, each with the
// paths of two of the waits.
type keeper map[session.ID][2]string

// keepers returns the keepers of the sessions that wait. They have the sessions
// that hold something.
func (g *graph) keepers() map[session.ID]keeper {
	holds := make(map[session.ID]bool)
	seen := make(map[*resource]bool)
	for _, w := range g.waits {
		if !seen[w.resource] {
			seen[w.resource] = true
			for _, h := range w.holders {
				holds[h.Session] = true
			}
		}
	}
	all := make(map[session.ID]keeper)
	for _, w := range g.waits {
		k := all[w.who.Session]
		if k == nil {
			k = make(keeper)
			all[w.who.Session] = k
		}
		for _, id := range append([]session.ID{w.who.Session}, w.who.ParentSessions...) {
			if paths, known := k[id]; !holds[id] || known && (paths[0] == w.path || paths[1] != "") {
				continue
			} else if known {
				k[id] = [2]string{paths[0], w.path}
			} else {
				k[id] = [2]string{w.path}
			}
		}
	}
	return all
}

// besides reports whether a wait at another path than the resource's keeps one
// of the resource's holders.
func (k keeper) besides(res *resource) bool {
	for _, h := range res.holders {
		if paths, kept := k[h.Session]; kept && (paths[0] != res.path || paths[1] != "") {
			return true
		}
	}
	return false
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
