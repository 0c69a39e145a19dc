package core

import (
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// follows has the persistent watches of a session, one for each path, guarded
// by the watch table's mu:
//
//	      Follow             answered                 the last Stop
//	none ────────▶ asked ──────────────▶ standing ──────────────────▶ none
//	  ▲              │                    ▲     │
//	  └── refused ───┘                    └─────┘ a new connection sets the watch
//	                                              again, and Resumed is told
//
// ZooKeeper before 3.9 keeps one watch for each path and session, and the
// newest request sets its kind. So the session has one kind at a time for each
// path:
//   - The recursive watch replaces the other kind, whose events follow from the
//     recursive ones. It stays until the last follower of the path has stopped.
//   - A read leaves no one-shot watch at the path of a persistent watch, which
//     wakes the read's waiters instead. That is decided when the request is
//     queued, under mu: a request that is queued earlier is executed earlier.
//   - An earlier one-shot watch at the path is not removed.
//
// When a persistent watch begins, ends or is set again, the waiters at its path
// are woken in any case.
type follows struct {
	keys  map[string]*following
	again []string // the paths that a new connection sets again
}

// following is a persistent watch.
type following struct {
	path      string
	followers []*Follower
	standing  bool       // the server has the watch, or will have it before the session's next request
	wide      bool       // the server's watch is recursive
	asked     bool       // a recursive watch was asked for
	link      *conn.Conn // the link on which the watch was last requested or set again; or nil
}

// follow adds a follower, and reports whether the server already has the watch.
func (t *watchTable) follow(path string, recursive bool, f func(Followed)) (w *Follower, standing bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w = &Follower{table: t, recursive: recursive, f: f}
	g := t.follows.keys[path]
	if g == nil {
		g = &following{path: path}
	}
	w.watch = g
	if t.ended {
		return w, false // the request will say so
	}
	if t.follows.keys == nil {
		t.follows.keys = make(map[string]*following)
	}
	t.follows.keys[path] = g
	g.followers = append(g.followers, w)
	return w, g.standing && (g.wide || !recursive)
}

// ask queues the request for the watch.
func (w *Follower) ask(link *conn.Conn) (*conn.Call, conn.Queued) {
	t, g := w.table, w.watch
	t.mu.Lock()
	defer t.mu.Unlock()
	g.asked = g.asked || w.recursive
	g.link = link
	mode := wire.Persistent
	if g.asked {
		mode = wire.PersistentRecursive
	}
	call := conn.NewCall(wire.AddWatch(g.path, mode), func(call *conn.Call) {
		if call.Fate() == conn.Answered {
			t.followed(g, mode, call)
		}
	})
	return call, link.Enqueue(call)
}

// followed processes the answer to a request for a watch.
func (t *watchTable) followed(g *following, mode wire.AddMode, call *conn.Call) {
	t.mu.Lock()
	var woken []*Watch
	switch code := call.Reply().Code; {
	case code == wire.CodeUnimplemented:
		t.s.m.noLasting.Store(true)
		if g.link == call.Conn() {
			g.link = nil
		}
	case code != wire.CodeOK || t.follows.keys[g.path] != g:
	default:
		g.wide = g.wide || mode == wire.PersistentRecursive
		if !g.standing {
			g.standing = true
			t.forget(g.path)
			woken = t.uncover(g.path) // waiters that came before the watch may have missed a change
		}
	}
	t.mu.Unlock()
	for _, w := range woken {
		w.wake(w.event)
	}
}

// unfollow removes a follower. After the last one, it removes the watch from
// the server.
func (t *watchTable) unfollow(w *Follower) {
	t.mu.Lock()
	w.over = true
	g := w.watch
	i := slices.Index(g.followers, w)
	if i < 0 {
		t.mu.Unlock()
		return
	}
	g.followers = slices.Concat(g.followers[:i], g.followers[i+1:])
	var woken []*Watch
	if len(g.followers) == 0 && t.follows.keys[g.path] == g {
		delete(t.follows.keys, g.path)
		woken = t.uncover(g.path)
		if g.link != nil {
			// Under mu, so that the request is sent after every request for the
			// watch, and before any read that leaves a one-shot watch again.
			g.link.SendBehind(t.endFollow(g.path))
		}
		for _, key := range keysOf(g.path) {
			if _, kept := t.server.kept[key]; kept && !t.awaited(key) {
				t.considerLater(key)
			}
		}
	}
	t.mu.Unlock()
	wake := func() {
		for _, w := range woken {
			w.wake(w.event)
		}
	}
	// The caller may hold locks that the functions of other waiters need.
	if len(woken) > 0 && !t.s.spawn(wake) {
		wake()
	}
}

// endFollow is the request that removes a persistent watch from the server. It
// also removes any one-shot watch at the path, because ZooKeeper before 3.9
// cannot tell them apart. If the server throttles, the request is repeated
// later.
func (t *watchTable) endFollow(path string) *conn.Call {
	return conn.NewCall(wire.RemoveWatches(path, wire.AnyWatcher), func(call *conn.Call) {
		if call.Fate() != conn.Answered {
			return
		}
		if call.Reply().Code.Class() == wire.NotExecuted {
			time.AfterFunc(idleFor, func() { t.endFollowAgain(call.Conn(), path) })
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.forget(path)
	})
}

// endFollowAgain repeats endFollow unless the path has followers again. A new
// connection does not have the watch. Waiters that came meanwhile lose their
// one-shot watches, so they are woken.
func (t *watchTable) endFollowAgain(link *conn.Conn, path string) {
	t.mu.Lock()
	if t.ended || t.follows.keys[path] != nil {
		t.mu.Unlock()
		return
	}
	woken := t.uncover(path)
	link.SendBehind(t.endFollow(path))
	t.mu.Unlock()
	for _, w := range woken {
		w.wake(w.event)
	}
}

// forget notes that the server has no one-shot watches at a path. The caller
// holds mu.
func (t *watchTable) forget(path string) {
	for _, key := range keysOf(path) {
		delete(t.server.kept, key)
	}
}

func keysOf(path string) [2]watchKey { return [...]watchKey{{path, dataWatch}, {path, childWatch}} }

// uncover removes and returns the waiters for one-shot watches at a path whose
// persistent watch begins, has ended, or may have missed an event. The caller
// holds mu, and wakes them.
func (t *watchTable) uncover(path string) []*Watch {
	return append(t.takeKey(watchKey{path, dataWatch}, NodeDataChanged),
		t.takeKey(watchKey{path, childWatch}, NodeChildrenChanged)...)
}

// cover reports whether a persistent watch at exactly this path reports all
// changes that a one-shot watch would report. The caller holds mu.
func (f *follows) cover(path string) bool { return f.keys[path] != nil }

// telling is one call of a follower.
type telling struct {
	to *Follower
	Followed
}

// meant returns the calls of followers for an event. If a node with a recursive
// watch on its parent was created or deleted, meant also returns the parent: no
// other event reports that the parent's children have changed.
func (t *watchTable) meant(event EventType, path string) (all []telling, parent string) {
	f := &t.follows
	if len(f.keys) == 0 {
		return nil, ""
	}
	tell := func(g *following, event EventType, path string, meant func(*Follower) bool) {
		for _, w := range g.followers {
			if meant(w) {
				all = append(all, telling{w, Followed{event, t.s.rel(path)}})
			}
		}
	}
	inNode := func(w *Follower) bool { return !w.recursive }
	inTree := func(w *Follower) bool { return w.recursive }
	g := f.keys[path]
	if event == NodeChildrenChanged {
		if g != nil && !g.wide { // a recursive watch has already reported the child's own event
			tell(g, event, path, inNode)
		}
		return all, ""
	}
	if g != nil {
		tell(g, event, path, func(*Follower) bool { return true })
	}
	for at := f.nearest(path); at != "/"; {
		at = above(at)
		if g := f.keys[at]; g != nil && g.wide {
			tell(g, event, path, inTree)
		}
	}
	if event != NodeDataChanged && path != "/" {
		if g := f.keys[above(path)]; g != nil && g.wide {
			parent = g.path
			tell(g, NodeChildrenChanged, parent, inNode)
		}
	}
	return all, parent
}

// nearest returns the path, or the beginning of a long one that has all its
// followed ancestors. Otherwise the event of a path of a million levels, which a
// hostile server may send, would occupy the reader for minutes.
func (f *follows) nearest(path string) string {
	const long = 1 << 10
	if len(path) <= long {
		return path
	}
	longest := 0
	for followed := range f.keys {
		longest = max(longest, len(followed))
	}
	return path[:min(len(path), longest+1)]
}

// above returns the parent of a path other than "/".
func above(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}

// setAgain returns the persistent watches that a new connection has to set
// again, the recursive ones separately.
func (f *follows) setAgain() (nodes, trees []string) {
	f.again = nil
	for path, g := range f.keys {
		switch {
		case !g.standing:
			continue
		case g.wide:
			trees = append(trees, path)
		default:
			nodes = append(nodes, path)
		}
		f.again = append(f.again, path)
	}
	return nodes, trees
}

// end removes and returns all followers. The caller holds the table's mu.
func (f *follows) end() []*Follower {
	var all []*Follower
	for _, g := range f.keys {
		all = append(all, g.followers...)
	}
	f.keys, f.again = nil, nil
	return all
}

// resumed reports a new connection to all followers, after the requests that
// set their watches again are queued. It wakes the waiters at the same paths,
// and removes the watches whose last follower has stopped meanwhile.
func (t *watchTable) resumed(link *conn.Conn) {
	t.mu.Lock()
	var followers []*Follower
	var woken []*Watch
	for _, path := range t.follows.again {
		g := t.follows.keys[path]
		if g == nil {
			link.SendBehind(t.endFollow(path))
			continue
		}
		g.link = link
		if g.standing {
			followers = append(followers, g.followers...)
			woken = append(woken, t.uncover(path)...)
		}
	}
	t.follows.again = nil
	t.mu.Unlock()
	for _, w := range woken {
		w.wake(w.event)
	}
	for _, f := range followers {
		f.call(Followed{Event: Resumed})
	}
}
