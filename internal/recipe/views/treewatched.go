package views

import (
	"errors"
	"slices"

	"github.com/docent-go/docent/internal/core"
)

// window is how many reads of a tree are outstanding at once, each with a watch
// of its own. They share one connection, so each window costs one round trip.
const window = 64

// readWatched is readAll for servers without persistent watches. Each reading
// leaves a one-shot watch.
func (t *Tree) readWatched(s *core.Session, queue []*reading) {
	t.limits.full = false
	answers := make(chan answer, window)
	for under := 0; under > 0 || len(queue) > 0; {
		for under < window && len(queue) > 0 && t.goesOn(s) {
			r := queue[0]
			queue = queue[1:]
			if t.limits.full && r.part == ofData && r.n.parent != nil {
				r.stats = true
			}
			under++
			go func() { answers <- t.read(s, r) }()
		}
		if under == 0 {
			return // it was cut short: the next session reads the rest
		}
		a := <-answers
		under--
		queue = append(queue, t.take(a)...)
		if t.cfg.Limit > 0 && t.limits.nodes > 2*t.cfg.Limit {
			t.prune()
			queue = slices.DeleteFunc(queue, func(r *reading) bool { return !r.current() })
		}
	}
	t.prune()
}

// read performs one reading. It runs on a goroutine of its own.
func (t *Tree) read(s *core.Session, r *reading) answer {
	a := answer{reading: r}
	fire := func(core.EventType) { t.fire(r) }
	if r.part == ofList {
		a.names, a.stat, a.watch, a.err = s.ChildrenFunc(t.ctx, r.n.path, fire)
		return a
	}
	if r.stats {
		var found bool
		a.stat, found, a.watch, a.err = s.ExistsFunc(t.ctx, r.n.path, fire)
		if a.err = statError(r.n.path, a.stat, found, a.err); a.err != nil && a.watch != nil {
			a.watch.Stop()
			a.watch = nil
		}
		return a
	}
	for {
		a.data, a.stat, a.watch, a.err = s.GetFunc(t.ctx, r.n.path, fire)
		if r.n.parent != nil || !errors.Is(a.err, core.ErrNoNode) {
			return a
		}
		// Only this watch reports the creation of the root.
		var found bool
		_, found, a.watch, a.err = s.ExistsFunc(t.ctx, r.n.path, fire)
		if a.err != nil || !found {
			a.missing = a.err == nil
			return a
		}
		a.watch.Stop() // it was created between the two requests
	}
}
