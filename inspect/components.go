package inspect

import "slices"

// components returns the strongly connected sets of more than one stuck wait.
func (g *graph) components() [][]*wait {
	return g.connected(g.waits, func(w *wait) bool { return w.stuck })
}

// connected returns the strongly connected sets of more than one wait, among
// the waits that count.
func (g *graph) connected(waits []*wait, counts func(*wait) bool) [][]*wait {
	t := &tarjan{counts: counts, seen: make(map[*wait]*visit), hubs: make(map[*hub]*visit), steps: &g.steps}
	for _, w := range waits {
		if t.seen[w] == nil && counts(w) {
			t.visit(w)
		}
	}
	return t.sets
}

// tarjan is the state of Tarjan's algorithm for strongly connected components.
type tarjan struct {
	counts func(*wait) bool
	seen   map[*wait]*visit
	hubs   map[*hub]*visit
	count  int
	stack  []*visit
	sets   [][]*wait
	steps  *int
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
		*t.steps += 1 + len(from.to)
		for _, w := range from.to {
			if !t.counts(w) {
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
