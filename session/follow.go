package session

import (
	"context"
	"strings"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/internal/znode"
)

// Followed is what a Follower is told.
type Followed struct {
	// Event is what has happened, SessionEnded, or Resumed.
	Event EventType
	// Path is the node that it happened to, below the Manager's root; empty for
	// SessionEnded and Resumed.
	Path string
}

// Resumed tells a Follower that events may be missing: the session has a new
// connection, or the watch had to be set anew. Whoever follows reads everything again.
const Resumed EventType = -1

// Follower is told of every change of a node, or of a whole tree, until it is stopped.
// It is safe for concurrent use.
type Follower struct {
	table *watchTable
	key   followKey
	f     func(Followed)

	over bool // guarded by table.mu
}

// followKey is a persistent watch, as servers keep them.
type followKey struct {
	path      string
	recursive bool
}

// follows are the persistent watches of a session, guarded by the watch table's mu:
//
//	      Follow             answered                 the last Stop
//	none ────────▶ asked ──────────────▶ standing ──────────────────▶ none
//	  ▲              │                    ▲     │
//	  └── refused ───┘                    └─────┘ a new connection sets the watch
//	                                              again, and Resumed is told
//
// ZooKeeper before 3.9 keeps a single kind of watch for each path and session: a watch
// of one shot takes the place of a persistent one at the same path. So a read that is
// to leave a watch there leaves none, and its waiters are woken by the persistent watch;
// where that ends, or may have missed something, they are woken for nothing.
type follows struct {
	keys map[followKey]*following
}

type following struct {
	standing  bool
	followers []*Follower
}

// Follow has f called with every change of the node at path, which need not exist: its
// creation, deletion and data, and with recursive those of all nodes below it. Without
// recursive it also tells of changes of the children; with it, the creation and deletion
// of a child say so.
//
// f is called on the goroutine that reads from the server, in the order of the changes:
// it must return at once and must not call the session. What it hears of comes before
// the answer to any read that the server executes later. Nothing is replayed after a
// disconnection: f is told Resumed then, and SessionEnded at the end.
//
// ctx bounds the request. It fails with ErrUnimplemented on servers before ZooKeeper
// 3.6.
func (s *Session) Follow(ctx context.Context, path string, recursive bool, f func(Followed)) (*Follower, error) {
	misuse.NilFunc(f == nil, "Session.Follow")
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return nil, s.refuse("follow", path, err)
	}
	abs := s.abs(path)
	if err := s.fits(wire.SetWatchesHeader + wire.StringSize(abs)); err != nil {
		return nil, s.refuse("follow", path, err)
	}
	w, standing := s.watches.follow(followKey{abs, recursive}, f)
	if standing {
		return w, nil
	}
	mode := wire.Persistent
	if recursive {
		mode = wire.PersistentRecursive
	}
	_, err := read(ctx, s, "follow", path, request[struct{}]{
		op:    wire.OpAddWatch,
		frame: func() []byte { return wire.AddWatch(abs, mode) },
		parse: nothing,
		then:  s.watches.followed(w.key),
	})
	if err != nil {
		w.Stop()
		return nil, err
	}
	return w, nil
}

// Stop ends the calls: none begins after Stop has returned, although one may be under
// way. The watch is taken back in the background.
func (w *Follower) Stop() {
	misuse.ZeroValue(w == nil || w.table == nil, "or nil session.Follower", "Session.Follow")
	w.table.unfollow(w)
}

func (w *Follower) call(e Followed) {
	w.table.mu.Lock()
	over := w.over
	w.table.mu.Unlock()
	if !over {
		w.f(e)
	}
}

// follow adds a follower, and reports whether the server has the watch already.
func (t *watchTable) follow(key followKey, f func(Followed)) (w *Follower, standing bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w = &Follower{table: t, key: key, f: f}
	if t.ended {
		return w, false // the request says so
	}
	if t.follows.keys == nil {
		t.follows.keys = make(map[followKey]*following)
	}
	g := t.follows.keys[key]
	if g == nil {
		g = new(following)
		t.follows.keys[key] = g
	}
	g.followers = append(g.followers, w)
	return w, g.standing
}

// followed notes that the server has set a persistent watch. If nobody follows any more,
// it is taken back.
func (t *watchTable) followed(key followKey) func(*conn.Call) {
	return func(call *conn.Call) {
		if call.Fate() != conn.Answered || call.Reply().Code != wire.CodeOK {
			return
		}
		t.mu.Lock()
		var woken []*Watch
		if g := t.follows.keys[key]; g == nil {
			t.endFollow(key, call.Conn())
		} else if !g.standing {
			g.standing = true
			woken = t.uncover(key.path) // who came before the watch stood has missed what was between
		}
		t.mu.Unlock()
		for _, w := range woken {
			w.wake(w.event)
		}
	}
}

// unfollow drops a follower, and takes the watch back after the last.
func (t *watchTable) unfollow(w *Follower) {
	t.s.mu.Lock()
	link := t.s.link
	t.s.mu.Unlock()
	t.mu.Lock()
	if w.over {
		t.mu.Unlock()
		return
	}
	w.over = true
	g := t.follows.keys[w.key]
	if g == nil {
		t.mu.Unlock()
		return
	}
	for i, other := range g.followers {
		if other == w {
			g.followers = append(g.followers[:i:i], g.followers[i+1:]...)
			break
		}
	}
	var woken []*Watch
	if len(g.followers) == 0 {
		delete(t.follows.keys, w.key)
		woken = t.uncover(w.key.path)
		if link != nil && g.standing {
			t.endFollow(w.key, link)
		}
	}
	t.mu.Unlock()
	for _, w := range woken {
		w.wake(w.event)
	}
}

// endFollow takes a persistent watch back. That takes all watches of the path with it,
// so the watches of one shot and the other persistent one are set anew. The caller
// holds mu.
func (t *watchTable) endFollow(key followKey, link *conn.Conn) {
	calls := []*conn.Call{conn.NewCall(wire.OpRemoveWatches, wire.RemoveWatches(key.path, wire.AnyWatcher), nil)}
	other := followKey{key.path, !key.recursive}
	if t.follows.keys[other] != nil {
		mode := wire.Persistent
		if other.recursive {
			mode = wire.PersistentRecursive
		}
		calls = append(calls, conn.NewCall(wire.OpAddWatch, wire.AddWatch(key.path, mode), nil))
	}
	for _, kind := range []watchKind{dataWatch, childWatch} {
		delete(t.server.kept, watchKey{key.path, kind})
	}
	link.SendBehind(calls...)
}

// uncover wakes those who wait for watches of one shot at a path where a persistent one
// has ended, or may have missed something. The caller holds mu.
func (t *watchTable) uncover(path string) []*Watch {
	return append(t.takeKey(watchKey{path, dataWatch}, NodeDataChanged),
		t.takeKey(watchKey{path, childWatch}, NodeChildrenChanged)...)
}

// cover reports whether a persistent watch at the very path tells of all changes that a
// watch of one shot would. The caller holds mu.
func (f *follows) cover(path string) bool {
	return f.keys[followKey{path, false}] != nil || f.keys[followKey{path, true}] != nil
}

// meant returns who is to be told of an event. If a recursive watch stands at the
// parent, it returns the parent too where its children have changed.
func (f *follows) meant(event EventType, path string) (all []*Follower, parent string) {
	if len(f.keys) == 0 {
		return nil, ""
	}
	if g := f.keys[followKey{path, false}]; g != nil {
		all = append(all, g.followers...)
	}
	if event == NodeChildrenChanged { // recursive watches have no such events
		return all, ""
	}
	for at := path; ; {
		if g := f.keys[followKey{at, true}]; g != nil {
			all = append(all, g.followers...)
		}
		if at == "/" {
			break
		}
		if at = at[:strings.LastIndexByte(at, '/')]; at == "" {
			at = "/"
		}
	}
	if dir, _ := znode.Split(path); event != NodeDataChanged && f.keys[followKey{dir, true}] != nil {
		parent = dir
	}
	return all, parent
}

// standing yields the watches that a new connection has to set again.
func (f *follows) standing() map[followKey]*following {
	standing := make(map[followKey]*following)
	for key, g := range f.keys {
		if g.standing {
			standing[key] = g
		}
	}
	return standing
}

// end forgets all followers, and returns them. The caller holds the table's mu.
func (f *follows) end() []*Follower {
	var all []*Follower
	for _, g := range f.keys {
		all = append(all, g.followers...)
	}
	f.keys = nil
	return all
}

// resumed tells all followers of a new connection, and wakes those who rely on their
// watches.
func (t *watchTable) resumed() {
	t.mu.Lock()
	var followers []*Follower
	var woken []*Watch
	for key, g := range t.follows.standing() {
		followers = append(followers, g.followers...)
		woken = append(woken, t.uncover(key.path)...)
	}
	t.mu.Unlock()
	for _, w := range woken {
		w.wake(w.event)
	}
	for _, f := range followers {
		f.call(Followed{Event: Resumed})
	}
}
