package groupmembership

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/mirror"
	"github.com/docent-go/docent/internal/treap"
)

// Change is one step of a group. It is never changed, so it is safe for concurrent use,
// and costs what has happened in the step: it shares the members with the Changes before.
type Change struct {
	// Events lead from the members of the Change before to these. In the first
	// Change each member joins. There are none in a Change that only says that
	// the group is known again, behind an error.
	Events []Event

	members treap.Map[Member]
}

// Members yields the members that are in the group now, sorted by id.
// slices.Collect(c.Members()) is a slice of them.
func (c Change) Members() iter.Seq[Member] {
	return func(yield func(Member) bool) {
		for _, m := range c.members.All() {
			if !yield(*m) {
				return
			}
		}
	}
}

// Len returns how many members are in the group now.
func (c Change) Len() int { return c.members.Len() }

// Member returns the member with the id, and false if it is not in the group.
func (c Change) Member(id string) (Member, bool) {
	if m := c.members.Get(id); m != nil {
		return *m, true
	}
	return Member{}, false
}

// Watch yields the members, and then every change: who joined, who left, whose
// payload was updated. It goes on from one session to the next, for as long as
// ctx lasts.
//
// It tells the newest state, not the history: what happens while the loop body
// runs, or within the Pause between two looks, comes in one Change; a member
// that left and came back in between is told as both, and several updates as
// one.
//
// A member whose node may not be read is listed with Hidden, and an error that
// names its path is yielded too, behind the Change.
//
// An error says that it is not known who is in the group, for the time being:
// the session has ended (the error matches session.ErrSessionEnded), or the
// server refuses to tell. What follows without an error is known again, even
// if nothing has changed meanwhile. An error that only repeats is yielded
// once. The loop may go on after any error but session.ErrClosed or an invalid
// path, which end the sequence; so does the end of ctx, without an error of its
// own.
func (g *Group) Watch(ctx context.Context) iter.Seq2[Change, error] {
	g.made()
	return func(yield func(Change, error) bool) {
		w := &watcher{Group: g, yield: yield}
		if g.err != nil {
			w.fail(g.err)
			return
		}
		s, err := g.sm.Session(ctx)
		if err == nil {
			w.tree, err = mirror.OpenTree(ctx, g.sm, mirror.TreeConfig{Path: g.path, Depth: 1, Pause: g.opts.pause})
		}
		if err != nil {
			if ctx.Err() == nil {
				w.fail(err)
			}
			return
		}
		defer w.tree.Close()
		for s != nil {
			s = w.follow(ctx, s)
		}
	}
}

// watcher is one Watch under way.
type watcher struct {
	*Group
	yield func(Change, error) bool
	tree  *mirror.Tree

	members treap.Map[Member]
	rev     uint64            // of the tree, in state
	state   *mirror.TreeState // that members was made of; nil before the first
	known   bool              // last was yielded, and no error since
	trouble string            // the error that was yielded last; empty when known
}

// follow shows what happens in the session, and returns the next one, or nil
// when the loop is over.
func (w *watcher) follow(ctx context.Context, s *core.Session) *core.Session {
	for s.Err() == nil {
		now := w.tree.Load()
		if !w.show(now) {
			return nil
		}
		select {
		case <-now.Next():
		case <-s.Done():
		case <-ctx.Done():
			return nil
		}
	}
	if !w.fail(fmt.Errorf("%w: %w", core.ErrSessionEnded, s.Err())) || errors.Is(s.Err(), core.ErrClosed) {
		return nil
	}
	next, err := w.sm.Session(ctx)
	if err == nil {
		err = w.tree.Await(ctx, next, 0) // what is shown from here on was read in the next session
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		w.fail(err)
		return nil
	}
	return next
}

// show yields what the loop does not know yet. Where only a part of the group
// may not be read, the rest is shown all the same.
func (w *watcher) show(now *mirror.TreeState) bool {
	sure := now.Err == nil
	again := sure && !w.known
	if sure {
		w.known, w.trouble = true, ""
	}
	same := w.state == nil && now.HiddenLen() == 0
	if w.state != nil {
		same = now.SameHidden(w.state)
	}
	if (now.Rev != w.rev || again || !same) && listed(now) {
		first := w.rev == 0
		events := w.update(now)
		w.rev, w.state = now.Rev, now
		// Something that is no member may have changed.
		if (first || again || len(events) > 0) && !w.yield(Change{events, w.members}, nil) {
			return false
		}
	}
	return sure || w.fail(now.Err)
}

// update takes what has changed since the state before, and returns what became of the
// members.
func (w *watcher) update(now *mirror.TreeState) []Event {
	var ids []string
	for _, changes := range []iter.Seq[mirror.TreeChange]{now.Since(w.state), now.HiddenSince(w.state)} {
		for c := range changes {
			if c.Key != "" {
				ids = append(ids, c.Key)
			}
		}
	}
	slices.Sort(ids)
	var before, after []Member
	for _, id := range slices.Compact(ids) {
		if old := w.members.Get(id); old != nil {
			before = append(before, *old)
			w.members = w.members.Delete(id)
		}
		if m := w.memberAt(now, id); m != nil {
			after = append(after, *m)
			w.members = w.members.Put(id, m)
		}
	}
	return Diff(before, after)
}

// listed reports whether it is known who is in the group, be it without the
// payloads of some.
func listed(now *mirror.TreeState) bool {
	if now.Err == nil {
		return true
	}
	dir := now.Get("")
	return dir != nil && dir.Err == nil
}

// fail yields the error unless it only repeats.
func (w *watcher) fail(err error) bool {
	err = failed("watch", w.path, err)
	if w.trouble == err.Error() {
		return true
	}
	w.known, w.trouble = false, err.Error()
	return w.yield(Change{}, err)
}
