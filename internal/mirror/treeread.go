package mirror

import (
	"errors"

	"github.com/docent-go/docent/internal/core"
)

// window is how many reads of a tree are under way at once. They share one
// connection, where they cost one round trip for each window.
const window = 64

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
// on the way. It returns when all answers are there.
func (t *Tree) readAll(s *core.Session, queue []*reading) {
	answers := make(chan answer, window)
	for under := 0; under > 0 || len(queue) > 0; {
		for under < window && len(queue) > 0 && s.Context().Err() == nil && t.ctx.Err() == nil {
			r := queue[0]
			queue = queue[1:]
			under++
			go func() { answers <- t.read(s, r) }()
		}
		if under == 0 {
			return // cut short: what is left is asked for in the next session
		}
		a := <-answers
		under--
		queue = append(queue, t.take(a)...)
	}
}

// read runs beside the loop.
func (t *Tree) read(s *core.Session, r *reading) answer {
	a := answer{reading: r}
	news := func(core.EventType) { t.fire(r) }
	if r.part == ofList {
		a.names, a.stat, a.watch, a.err = s.ChildrenFunc(t.ctx, r.n.path, news)
		return a
	}
	for {
		a.data, a.stat, a.watch, a.err = s.GetFunc(t.ctx, r.n.path, news)
		if r.n.parent != nil || !errors.Is(a.err, core.ErrNoNode) {
			return a
		}
		// Nothing else tells when the root is made.
		var found bool
		_, found, a.watch, a.err = s.ExistsFunc(t.ctx, r.n.path, news)
		if a.err != nil || !found {
			a.missing = a.err == nil
			return a
		}
		a.watch.Stop() // made just in between
	}
}

// fire is called by the session when a watch has fired.
func (t *Tree) fire(r *reading) {
	t.firedMu.Lock()
	t.fired = append(t.fired, r)
	t.firedMu.Unlock()
	t.rouse()
}

// absorb notes what has to be read again since watches have fired.
func (t *Tree) absorb() {
	t.firedMu.Lock()
	fired := t.fired
	t.fired = nil
	t.firedMu.Unlock()
	for _, r := range fired {
		if r.current() {
			t.dirty[r] = struct{}{}
		}
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
	switch {
	case errors.Is(a.err, core.ErrNoNode):
		t.vanished(n)
	case a.err != nil:
		r.err = a.err
		t.refused[r] = struct{}{}
	case a.missing:
		for _, kid := range n.kids {
			t.drop(kid)
		}
		n.kids, n.seen, n.value, n.leftOut = nil, false, TreeNode{}, 0
		if list := n.now[ofList]; list != nil && list.done {
			t.forget(n, ofList)
		}
	case r.part == ofList:
		return t.grow(n, a.names)
	default:
		n.seen = true
		n.value.Data, n.value.Stat = a.data, a.stat
		if t.listed(n) && n.now[ofList] == nil {
			return []*reading{t.ask(n, ofList)}
		}
	}
	return nil
}

// vanished takes a node out that was not there any more when it was read. Its
// parent is listed again: with the node it lost a child, or the node is back.
func (t *Tree) vanished(n *treeNode) {
	if n.parent == nil {
		// It was the root's list.
		for _, kid := range n.kids {
			t.drop(kid)
		}
		n.kids, n.leftOut = nil, 0
		t.forget(n, ofList)
		if data := n.now[ofData]; data.done && data.err == nil && n.seen {
			// Its data was read later, when somebody had made it, although that
			// answer was taken first.
			list := &reading{n: n, part: ofList}
			n.now[ofList] = list
			t.dirty[list] = struct{}{}
		}
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
