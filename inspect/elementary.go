package inspect

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/docent-go/docent/session"
)

// elementary lists the elementary cycles of a strongly connected set: the
// cycles in which no session occurs twice. Of the waits of one session for one
// resource, a single one represents all (representatives).
//
// It takes one wait as the root, lists the cycles through it, the shortest
// first, and removes it. It goes on with what is still strongly connected.
type elementary struct {
	index map[*wait]int   // the waits, numbered
	next  map[*hub][]edge // the edges of a hub, each target once
	known map[string]bool // the cycles that were listed
	found [][]edge
	room  int  // how many more cycles may be listed
	cut   bool // a bound was reached: there may be more
	steps *int
	most  int // steps, after which the search ends

	// Of one root:
	root     *wait
	distance map[*wait]int // from a wait to the root, in edges
	path     []edge
	sessions map[session.ID]bool // of the path
	shorter  int                 // cycles of at most this length were listed
	length   int                 // the maximum length at present
	longer   int                 // the least length beyond it
}

// representatives returns one of the waits of each session for each resource:
// the first in the queue. The others have the same edges.
func representatives(set []*wait) []*wait {
	type class struct {
		*resource
		session session.ID
		parents string
	}
	first := make(map[class]int)
	var all []*wait
	for _, w := range set {
		c := class{w.resource, w.who.Session, fmt.Sprint(w.who.ParentSessions)}
		at, known := first[c]
		switch {
		case !known:
			first[c] = len(all)
			all = append(all, w)
		case w.who.Token < all[at].who.Token:
			all[at] = w
		}
	}
	return all
}

// list lists cycles of the set that are not in known, at most room of them. It
// reports whether these are all.
func (g *graph) list(set []*wait, known [][]edge, room int) (more [][]edge, all bool) {
	e := &elementary{
		index: make(map[*wait]int), next: make(map[*hub][]edge), known: make(map[string]bool), room: room,
		steps: &g.steps, most: g.steps + maxListed,
	}
	for i, w := range set {
		e.index[w] = i
	}
	for _, cycle := range known {
		e.known[e.key(cycle)] = true
	}
	for todo := [][]*wait{set}; len(todo) > 0 && !e.cut; {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		e.through(last)
		left := make(map[*wait]bool)
		for _, w := range last[1:] {
			left[w] = true
		}
		*e.steps += len(last)
		todo = append(todo, components(last[1:], func(w *wait) bool { return left[w] })...)
	}
	return e.found, !e.cut
}

// through lists the cycles of the set through its first wait.
func (e *elementary) through(set []*wait) {
	e.root = set[0]
	e.measure(set)
	e.sessions = map[session.ID]bool{e.root.who.Session: true}
	e.shorter, e.longer = 0, 1
	for e.longer < math.MaxInt && !e.cut {
		e.length, e.longer = e.longer, math.MaxInt
		e.extend(e.root)
		e.shorter = e.length
	}
}

// measure sets the distances of the set's waits to the root.
func (e *elementary) measure(set []*wait) {
	left := make(map[*wait]bool, len(set))
	for _, w := range set {
		left[w] = true
	}
	e.distance = map[*wait]int{e.root: 0}
	known := make(map[*hub]bool)
	for queue := []*wait{e.root}; len(queue) > 0; queue = queue[1:] {
		for _, from := range queue[0].from {
			if *e.steps++; known[from.hub] {
				continue
			}
			known[from.hub] = true
			for _, w := range from.hub.waits {
				if _, measured := e.distance[w]; !measured && left[w] {
					e.distance[w] = e.distance[queue[0]] + 1
					queue = append(queue, w)
				}
			}
		}
	}
}

// extend extends the path, which ends at a wait, in every way that can return to
// the root within the length.
func (e *elementary) extend(at *wait) {
	for _, step := range e.edges(at.hub) {
		if *e.steps++; *e.steps > e.most {
			e.cut = true
		}
		back, inside := e.distance[step.to]
		length := len(e.path) + 1 + back
		id := step.to.who.Session
		switch {
		case e.cut:
			return
		case !inside:
		case length > e.length:
			e.longer = min(e.longer, length)
		case step.to == e.root:
			if length > e.shorter {
				e.add(append([]edge{step}, e.path...))
			}
		case !e.sessions[id]:
			e.sessions[id] = true
			e.path = append(e.path, step)
			e.extend(step.to)
			e.path = e.path[:len(e.path)-1]
			delete(e.sessions, id)
		}
	}
}

// edges returns the edges of a hub to waits of the whole set.
func (e *elementary) edges(from *hub) []edge {
	all, made := e.next[from]
	if made {
		return all
	}
	to := make(map[*wait]bool)
	for _, h := range from.holders {
		*e.steps += 1 + len(h.to)
		for _, next := range h.to {
			if _, counts := e.index[next]; counts && !to[next] {
				to[next] = true
				all = append(all, edge{*h.owner, next})
			}
		}
	}
	e.next[from] = all
	return all
}

// add lists a cycle, unless it was listed before.
func (e *elementary) add(cycle []edge) {
	key := e.key(cycle)
	if e.known[key] {
		return
	}
	e.known[key] = true
	if e.room == 0 {
		e.cut = true
		return
	}
	e.room--
	e.found = append(e.found, cycle)
}

// key identifies a cycle by its waits, wherever it begins.
func (e *elementary) key(cycle []edge) string {
	at := 0
	for i, step := range cycle {
		if e.index[step.to] < e.index[cycle[at].to] {
			at = i
		}
	}
	var b strings.Builder
	for _, step := range slices.Concat(cycle[at:], cycle[:at]) {
		fmt.Fprint(&b, e.index[step.to], " ")
	}
	return b.String()
}
