package groupmembership

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/docent-go/docent/internal/base/treap"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/views"
	"github.com/docent-go/docent/session"
)

// Change is one step of a group. It is immutable, so it is safe for concurrent
// use. It shares the members with earlier Changes, so its cost is what has
// happened in the step.
type Change struct {
	// Events lead from the members of the previous Change to the present
	// members. In the first Change each member joins. Events is empty in a
	// Change that only says, after an error, that the members are known again.
	Events []Event
	// LeftOut is what Limit and MaxBytes leave out of the members.
	LeftOut session.LeftOut

	members treap.Map[Member]
}

// Members yields the present members of the group, sorted by id.
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

// Len returns the number of present members.
func (c Change) Len() int { return c.members.Len() }

// Member returns the member with the id, and false if it is not in the group.
func (c Change) Member(id string) (Member, bool) {
	if m := c.members.Get(id); m != nil {
		return *m, true
	}
	return Member{}, false
}

// Changes yields the members, and then every change: members that joined or
// left, and payloads that were updated. It goes on from one session to the
// next, until ctx ends. Several goroutines may loop at a time.
//
// Changes shows the newest state, not the history. What happens while the loop
// body runs, or within the Pause between two reads, comes in one Change. A
// member that left and came back in between has both events, and several
// updates are one event.
//
// A member whose znode may not be read is listed with Hidden. After the Change,
// an error that names its path is yielded too. If Limit or MaxBytes leave
// something out, an error that matches session.ErrLeftOut is yielded after the
// Change.
//
// Any other error says that the members are not known at the moment: the session has
// ended (the error matches session.ErrSessionEnded), or the server rejects a
// read. The next Change shows that they are known again, even if nothing has
// changed meanwhile. An error that only repeats is yielded once. After
// session.ErrClosed or an invalid path the sequence ends. After any other error
// the loop may go on. The end of ctx ends the sequence without an error.
func (g *Group) Changes(ctx context.Context) iter.Seq2[Change, error] {
	g.made()
	return func(yield func(Change, error) bool) {
		w := &watcher{Group: g, yield: yield}
		if g.err != nil {
			w.fail(g.err)
			return
		}
		s, err := g.sm.Session(ctx)
		if err == nil {
			w.tree, err = views.OpenTree(ctx, g.sm, views.TreeConfig{
				Path: g.path, Depth: 1, Pause: g.opts.pause, Limit: g.opts.limit, MaxBytes: g.opts.maxBytes,
			})
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

// watcher is one loop over Changes.
type watcher struct {
	*Group
	yield func(Change, error) bool
	tree  *views.Tree

	members treap.Map[Member]
	rev     uint64           // of the tree, in state
	state   *views.TreeState // the state that members was made from; nil before the first
	known   bool             // a Change was yielded, and no error since
	beyond  error            // the last session.ErrLeftOut that was yielded; nil if nothing is left out
	trouble string           // the text of the last error that was yielded; empty when known
}

// follow shows what happens in the session. It returns the next session, or nil
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
		err = w.tree.Await(ctx, next, 0) // everything shown from here on was read in the next session
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

// show yields what the loop does not know yet. If only a part of the group may
// not be read, the rest is still shown.
func (w *watcher) show(now *views.TreeState) bool {
	sure := now.Err == nil
	again := sure && !w.known
	if sure {
		w.known, w.trouble = true, ""
	}
	same := w.state == nil && now.HiddenLen() == 0
	if w.state != nil {
		same = now.SameHidden(w.state)
	}
	beyond := w.leftOut(now.LeftOut)
	less := beyond == nil && w.beyond != nil // what was left out is back
	if (now.Rev != w.rev || again || !same || less) && listed(now) {
		first := w.rev == 0
		events := w.update(now)
		w.rev, w.state = now.Rev, now
		// What has changed may be a znode that is not a member.
		if (first || again || less || len(events) > 0) && !w.yield(Change{events, session.LeftOut(now.LeftOut), w.members}, nil) {
			return false
		}
	}
	if beyond != nil && (w.beyond == nil || beyond.Error() != w.beyond.Error()) &&
		!w.yield(Change{}, core.Failed("watch group", w.path, beyond)) {
		return false
	}
	w.beyond = beyond
	return sure || w.fail(now.Err)
}

// update applies the changes since the previous state, and returns the events
// of members.
func (w *watcher) update(now *views.TreeState) []Event {
	var ids []string
	for _, changes := range []iter.Seq[views.TreeChange]{now.Since(w.state), now.HiddenSince(w.state)} {
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

// listed reports whether the members are known, even if some payloads are not.
func listed(now *views.TreeState) bool {
	if now.Err == nil {
		return true
	}
	dir := now.Get("")
	return dir != nil && dir.Err == nil
}

// fail yields the error unless it only repeats.
func (w *watcher) fail(err error) bool {
	err = core.Failed("watch group", w.path, err)
	if w.trouble == err.Error() {
		return true
	}
	w.known, w.trouble = false, err.Error()
	return w.yield(Change{}, err)
}
