package views

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/docent-go/docent/internal/core"
)

// answer is the answer to a reading.
type answer struct {
	*reading
	data    []byte
	names   []string
	stat    core.Stat
	watch   *core.Watch
	missing bool // only for the root: watch tells when it is created
	err     error
}

// readAll performs the readings in the queue, and the readings that their
// answers require. It returns when all answers have arrived, or when further
// answers would be useless.
func (t *Tree) readAll(s *core.Session, queue []*reading) {
	for tries := 0; len(queue) > 0 && t.goesOn(s); tries++ {
		if tries == maxFits { // the sizes change as fast as they are read
			for _, r := range queue {
				t.dirty[r] = struct{}{}
			}
			return
		}
		if t.lasting == nil {
			t.readWatched(s, queue)
		}
		for t.lasting != nil && len(queue) > 0 && t.goesOn(s) {
			queue = t.readMany(s, queue)
			t.prune()
			queue = slices.DeleteFunc(queue, func(r *reading) bool { return !r.current() })
		}
		if t.goesOn(s) {
			queue = t.fit()
		}
	}
}

// goesOn reports whether answers are still useful. Otherwise everything is read
// again later.
func (t *Tree) goesOn(s *core.Session) bool {
	return !t.again && s.Context().Err() == nil && t.ctx.Err() == nil
}

// readMany performs readings in few requests, and returns the readings that
// their answers require. Once data does not fit into MaxBytes, it returns the
// other readings, which then read stats. If a request fails as a whole, readMany
// bisects it to find the readings that fail.
func (t *Tree) readMany(s *core.Session, queue []*reading) (more []*reading) {
	if stats, rest := partition(queue); len(stats) > 0 {
		more, queue = t.readStats(s, stats), rest
	}
	if len(queue) == 0 || !t.goesOn(s) {
		return more
	}
	t.limits.full = false
	ops := make([]core.ReadOp, len(queue))
	for i, r := range queue {
		ops[i] = core.ReadOp{Path: r.n.path, Children: r.part == ofList}
	}
	// While the tree processes the answers of one request, the server works on
	// the next.
	batches := make(chan []core.ReadResult, 1)
	var full atomic.Bool
	var err error
	go func() {
		defer close(batches)
		err = s.ReadManyFunc(t.ctx, ops, func(results []core.ReadResult) bool {
			batches <- results
			return !full.Load()
		})
	}()
	for results := range batches {
		more = append(more, t.takeAll(s, queue[:len(results)], results)...)
		queue = queue[len(results):]
		full.Store(t.limits.full)
	}
	switch half := len(queue) / 2; {
	case err == nil:
		return append(more, t.measured(queue)...)
	case half > 0 && t.goesOn(s):
		return slices.Concat(more, t.readMany(s, queue[:half]), t.readMany(s, queue[half:]))
	default:
		return append(more, t.takeAll(s, queue[:1], []core.ReadResult{{Err: err}})...)
	}
}

// takeAll processes the answers of one request. The events of all changes that
// these answers could show have arrived before.
func (t *Tree) takeAll(s *core.Session, readings []*reading, results []core.ReadResult) (more []*reading) {
	answers := make([]answer, len(results))
	for i, got := range results {
		answers[i] = answer{reading: readings[i], data: got.Data, names: got.Children, stat: got.Stat, err: got.Err}
		if answers[i].n.parent == nil && errors.Is(got.Err, core.ErrNoNode) && answers[i].part == ofData {
			t.awaitRoot(s, &answers[i])
		}
	}
	if t.absorb(); !t.goesOn(s) {
		return nil
	}
	for _, a := range answers {
		more = append(more, t.take(a)...)
	}
	return more
}

// awaitRoot watches for the creation of a missing root. The watch of the tree
// reports the creation too, but not if the session may not read the new root.
func (t *Tree) awaitRoot(s *core.Session, a *answer) {
	for errors.Is(a.err, core.ErrNoNode) {
		_, found, watch, err := s.ExistsFunc(t.ctx, a.n.path, func(core.EventType) { t.fire(a.reading) })
		if err != nil || !found {
			a.watch, a.missing, a.err = watch, err == nil, err
			return
		}
		watch.Stop()
		a.data, a.stat, a.err = s.Get(t.ctx, a.n.path) // it was created between the two requests
	}
}

// take processes an answer and returns the readings that it requires.
func (t *Tree) take(a answer) []*reading {
	r, n := a.reading, a.reading.n
	if !r.current() {
		if a.watch != nil {
			a.watch.Stop()
		}
		return nil
	}
	r.done, r.watch, r.stat, r.err = true, a.watch, a.stat, nil
	t.look.meets(a)
	switch {
	case errors.Is(a.err, core.ErrNoNode):
		t.vanished(n)
	case a.err != nil:
		r.err = a.err
		t.refused[r] = struct{}{}
		t.draw(n)
	case a.missing:
		t.dropKids(n)
		n.seen = false
		if list := n.now[ofList]; list != nil && list.done {
			t.forget(n, ofList)
		}
		t.erase(n)
	case r.part == ofList:
		more := t.grow(n, a.names)
		t.draw(n)
		return more
	default:
		n.seen, n.stat = true, a.stat
		t.store(n, a.data)
		more := t.listFor(n)
		t.draw(n)
		return more
	}
	return nil
}

// listFor returns the list that a node needs after the read of its data, if
// any. With a persistent watch, a node without children needs no list. A
// different number of children than the known number then shows that hidden
// children were created or deleted without an event.
func (t *Tree) listFor(n *treeNode) []*reading {
	list, stained := n.now[ofList], t.stained(n.now[ofData])
	switch {
	case !t.listed(n):
	case list == nil && (t.lasting == nil || n.stat.NumChildren > 0):
		return []*reading{t.ask(n, ofList)}
	case t.lasting == nil, stained: // the next read of the data decides
	case list == nil:
		n.now[ofList] = &reading{n: n, part: ofList, done: true}
	case !list.done, list.err != nil, t.stained(list):
	case n.count != int(n.stat.NumChildren) && n.recounted != n.stat.Pzxid:
		n.recounted = n.stat.Pzxid
		return []*reading{t.ask(n, ofList)}
	}
	return nil
}

// vanished removes a node that was missing when it was read. Its parent is
// listed again: either it lost a child, or the node exists again.
func (t *Tree) vanished(n *treeNode) {
	if n.parent == nil {
		// The list of the root found no node.
		t.dropKids(n)
		t.forget(n, ofList)
		if data := n.now[ofData]; data.done && data.err == nil && n.seen {
			// The data was read later, after another client had created the
			// root, although that answer was processed first.
			t.stain(n, ofList)
		}
		t.draw(n)
		// Otherwise the watch on the data reports the creation, or the data is
		// still outstanding.
		return
	}
	if n.parent.kids[n.name] != n {
		return // it was already removed
	}
	t.drop(n)
	delete(n.parent.kids, n.name)
	if list := n.parent.now[ofList]; list != nil && list.done && list.err == nil {
		t.dirty[list] = struct{}{}
	}
}
