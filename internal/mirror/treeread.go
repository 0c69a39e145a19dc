package mirror

import (
	"errors"
	"slices"

	"github.com/docent-go/docent/internal/core"
)

// answer is what came back for a reading.
type answer struct {
	*reading
	data    []byte
	names   []string
	stat    core.Stat
	watch   *core.Watch
	missing bool // the root alone; watch tells when it is made
	err     error
}

// readAll makes the readings in the queue, and those that turn out to be needed
// on the way. It returns when all answers are there, or when it makes no sense to
// go on.
func (t *Tree) readAll(s *core.Session, queue []*reading) {
	if t.lasting == nil {
		t.readWatched(s, queue)
		return
	}
	for len(queue) > 0 && t.goesOn(s) {
		queue = t.readMany(s, queue)
	}
}

// goesOn reports whether answers are of use. Else all is asked for anew.
func (t *Tree) goesOn(s *core.Session) bool {
	return !t.again && s.Context().Err() == nil && t.ctx.Err() == nil
}

// readMany makes readings in few requests, and returns those that turn out to be needed.
// If a request fails as a whole, it looks for the readings that are to blame.
func (t *Tree) readMany(s *core.Session, queue []*reading) (more []*reading) {
	ops := make([]core.ReadOp, len(queue))
	for i, r := range queue {
		ops[i] = core.ReadOp{Path: r.n.path, Children: r.part == ofList}
	}
	// While the answers of one request are taken, the server works on the next.
	batches := make(chan []core.ReadResult, 1)
	var err error
	go func() {
		defer close(batches)
		err = s.ReadManyFunc(t.ctx, ops, func(results []core.ReadResult) { batches <- results })
	}()
	for results := range batches {
		more = append(more, t.takeAll(s, queue[:len(results)], results)...)
		queue = queue[len(results):]
	}
	switch half := len(queue) / 2; {
	case err == nil:
		return more
	case half > 0 && t.goesOn(s):
		return slices.Concat(more, t.readMany(s, queue[:half]), t.readMany(s, queue[half:]))
	default:
		return append(more, t.takeAll(s, queue[:1], []core.ReadResult{{Err: err}})...)
	}
}

// takeAll takes the answers of one request. The events of all that the answers could show
// have come before them.
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

// awaitRoot waits for a root that was missing when it was read. The watch of the tree
// tells when it is made, but not if this session may not read it.
func (t *Tree) awaitRoot(s *core.Session, a *answer) {
	for errors.Is(a.err, core.ErrNoNode) {
		_, found, watch, err := s.ExistsFunc(t.ctx, a.n.path, func(core.EventType) { t.fire(a.reading) })
		if err != nil || !found {
			a.watch, a.missing, a.err = watch, err == nil, err
			return
		}
		watch.Stop()
		a.data, a.stat, a.err = s.Get(t.ctx, a.n.path) // made just in between
	}
}

// take puts an answer in its place and returns what has to be read because of it.
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
		n.seen, n.data, n.stat = true, a.data, a.stat
		more := t.listFor(n)
		t.draw(n)
		return more
	}
	return nil
}

// listFor returns the reading of the list that a node needs whose data has just been
// read, if any. Where the watch lasts, a node without children needs none. There, a
// number of children that is not that of the known ones tells of some that were made
// or deleted without an event: hidden ones.
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

// vanished takes a node out that was not there any more when it was read. Its
// parent is listed again: with the node it lost a child, or the node is back.
func (t *Tree) vanished(n *treeNode) {
	if n.parent == nil {
		// It was the root's list.
		t.dropKids(n)
		t.forget(n, ofList)
		if data := n.now[ofData]; data.done && data.err == nil && n.seen {
			// Its data was read later, when somebody had made it, although that
			// answer was taken first.
			t.stain(n, ofList)
		}
		t.draw(n)
		// Else the data is watched, and tells when it is made, or still to come.
		return
	}
	if n.parent.kids[n.name] != n {
		return // taken out already
	}
	t.drop(n)
	delete(n.parent.kids, n.name)
	if list := n.parent.now[ofList]; list != nil && list.done && list.err == nil {
		t.dirty[list] = struct{}{}
	}
}
