package core

import (
	"container/list"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/wire"
)

// EventType says what a watch has seen.
type EventType int

// What a watch can see.
const (
	NodeCreated EventType = iota + 1
	NodeDeleted
	NodeDataChanged
	NodeChildrenChanged
	// SessionEnded: no event follows.
	SessionEnded
)

var eventTypes = map[wire.Event]EventType{
	wire.EventCreated:         NodeCreated,
	wire.EventDeleted:         NodeDeleted,
	wire.EventDataChanged:     NodeDataChanged,
	wire.EventChildrenChanged: NodeChildrenChanged,
}

// watchKind is the kind of watch as servers keep them: Get and Exists share one.
type watchKind uint8

const (
	dataWatch watchKind = iota
	childWatch
)

type watchKey struct {
	path string
	kind watchKind
}

// Watch waits for one event. It fires once, at the latest when its session
// ends, and may fire without need: the caller reads again.
type Watch struct {
	table *watchTable
	key   watchKey
	done  chan struct{}
	call  func(EventType) // in place of done; must not block

	// Guarded by table.mu.
	entry  *watchEntry
	index  int // in entry.waiters; -1 when it is in none
	event  EventType
	noLook bool
	always bool // see CheckAlways
}

// made panics for a Watch that no session has made.
func (w *Watch) made() {
	misuse.ZeroValue(w == nil || w.table == nil, "or nil core.Watch", "a read of a Session that sets one")
}

// Done returns a channel that is closed when the watch has fired.
func (w *Watch) Done() <-chan struct{} {
	w.made()
	return w.done
}

// Event returns what the watch has seen, or zero while it has not fired.
func (w *Watch) Event() EventType {
	w.made()
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	return w.event
}

// Stop gives the watch up. It never fires after that. What the server keeps is
// taken back in the background, unless others of this process wait for it by then.
func (w *Watch) Stop() {
	w.made()
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	w.leave()
}

// StopLater is Stop for the finalizer or the cleanup of what the watch was for: it locks
// and does nothing else. The watch may fire until the next ping is answered.
func (w *Watch) StopLater() {
	w.made()
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	w.table.later = append(w.table.later, w)
}

// stopLater stops those watches. The caller holds mu.
func (t *watchTable) stopLater() {
	for _, w := range t.later {
		w.leave()
	}
	t.later = nil
}

func (w *Watch) leave() {
	if w.entry == nil || w.index < 0 {
		return
	}
	waiters := w.entry.waiters
	last := len(waiters) - 1
	waiters[w.index] = waiters[last]
	waiters[w.index].index = w.index
	waiters[last] = nil
	w.entry.waiters = waiters[:last]
	w.index = -1
	if last > 0 {
		return
	}
	w.table.quiet(w.entry)
	if w.table.entries[w.key] != w.entry {
		return
	}
	if w.entry.armed {
		w.table.considerLater(w.key)
	} else {
		delete(w.table.entries, w.key)
	}
}

// watchTable has one entry for each watch with waiters, and hands the event to all of
// them. The connection calls it: a waiter costs no goroutine. See serverWatches for the
// watches that the server keeps.
//
// The life of an entry:
//
//	      the first waiter joins           its read is answered
//	none ───────────────────────▶ asked ──────────────────────▶ armed ◀──┐
//	  ▲                             │ │                           │ │    │ a waiter joins,
//	  │   the last waiter leaves    │ │  an event   ┌─────────────┘ │    │ and shares
//	  ├─────────────────────────────┘ ▼             ▼               ▼    │
//	  │                             fired ◀──── (an event)         idle ─┘
//	  │                                                             │
//	  └──────── the watch is taken back, or the connection is new ──┘
//
// The waiters of an entry are woken by the event that ends it. An entry that fires while
// it is asked for leaves a watch without waiters on the server, which is taken back too.
type watchTable struct {
	s *Session

	mu      sync.Mutex
	entries map[watchKey]*watchEntry
	server  serverWatches
	follows follows
	checks  checks
	later   []*Watch // to be stopped
	ended   bool
}

type watchEntry struct {
	armed     bool // the server has the watch, or one that lasts
	fired     bool
	waiters   []*Watch
	known     bool          // was is set
	was       presence      // what the first read that left the watch has seen
	look      *look         // nil unless the server may withhold the event
	place     *list.Element // in the table's checks, unless it is in none
	confirmed time.Time     // when the node was as it was
}

// wanted reports whether a waiter asks the session to look at the node by itself.
// The caller holds the table's mu.
func (e *watchEntry) wanted() bool {
	return slices.ContainsFunc(e.waiters, func(w *Watch) bool { return !w.noLook })
}

// quiet stops the looks at the node, and the checks. The caller holds mu.
func (t *watchTable) quiet(e *watchEntry) {
	t.checks.remove(e)
	if e.look != nil {
		e.look.timer.Stop()
		e.look = nil
	}
}

// join adds a waiter before its read is sent, so that no event can fall
// between. share says that the server has the watch already: a plain read will
// do, since whatever it misses makes that watch fire.
func (t *watchTable) join(path string, kind watchKind, call func(EventType)) (w *Watch, share bool) {
	t.mu.Lock()
	w = &Watch{table: t, key: watchKey{path, kind}, call: call, index: -1}
	if call == nil {
		w.done = make(chan struct{})
	}
	if t.ended {
		t.mu.Unlock()
		w.fire(SessionEnded)
		return w, false
	}
	defer t.mu.Unlock()
	if t.entries == nil {
		t.entries = make(map[watchKey]*watchEntry)
	}
	e := t.entries[w.key]
	if e == nil {
		e = new(watchEntry)
		t.entries[w.key] = e
	}
	w.entry, w.index = e, len(e.waiters)
	e.waiters = append(e.waiters, w)
	t.checks.add(e)
	return w, e.armed
}

// arm notes that w's read has left a watch on the server, and what it has seen.
// If the watch has fired since, its entry is gone from the table, and this
// changes nothing.
func (t *watchTable) arm(w *Watch, seen presence) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := w.entry
	if e == nil || e.fired {
		return
	}
	e.armed = true
	if !e.known {
		e.known, e.was = true, seen
	}
	if len(e.waiters) > 0 {
		t.checks.add(e)
	}
}

// fire is called for each event of the server, with the full path.
func (t *watchTable) fire(event EventType, path string) {
	t.mu.Lock()
	var woken []*Watch
	for _, kind := range kindsOf(event) {
		key := watchKey{path, kind}
		delete(t.server.kept, key)
		woken = append(woken, t.takeKey(key, event)...)
	}
	tellings, parent := t.meant(event, path)
	if parent != "" { // whose children have changed, of which no event of its own tells
		woken = append(woken, t.takeKey(watchKey{parent, childWatch}, NodeChildrenChanged)...)
	}
	t.mu.Unlock()
	for _, w := range woken {
		w.wake(w.event)
	}
	for _, told := range tellings {
		told.to.call(told.Followed)
	}
}

// kindsOf returns the kinds of watches that an event uses up.
func kindsOf(event EventType) []watchKind {
	switch event {
	case NodeChildrenChanged:
		return []watchKind{childWatch}
	case NodeDeleted:
		return []watchKind{dataWatch, childWatch}
	}
	return []watchKind{dataWatch}
}

// takeKey is take for the entry of a key, which it drops. The caller holds mu.
func (t *watchTable) takeKey(key watchKey, event EventType) []*Watch {
	woken := t.take(t.entries[key], event)
	delete(t.entries, key)
	return woken
}

// take marks an entry as fired and returns its waiters. The caller holds mu.
func (t *watchTable) take(e *watchEntry, event EventType) []*Watch {
	if e == nil {
		return nil
	}
	e.fired = true
	t.quiet(e)
	woken := e.waiters
	e.waiters = nil
	for _, w := range woken {
		w.event, w.index = event, -1
	}
	return woken
}

// end fires every watch, now and for all who come later.
func (t *watchTable) end() {
	t.mu.Lock()
	t.ended = true
	var woken []*Watch
	for _, e := range t.entries {
		woken = append(woken, t.take(e, SessionEnded)...)
	}
	t.entries = nil
	followers := t.follows.end()
	t.server.end()
	t.mu.Unlock()
	for _, w := range woken {
		w.wake(SessionEnded)
	}
	for _, f := range followers {
		f.call(Followed{Event: SessionEnded})
	}
}

func (w *Watch) fire(event EventType) {
	w.table.mu.Lock()
	w.event = event
	w.table.mu.Unlock()
	w.wake(event)
}

func (w *Watch) wake(event EventType) {
	if w.call != nil {
		w.call(event)
		return
	}
	close(w.done)
}

// watched runs a read that leaves a watch, or shares one that is there.
func watched[T sighted](s *Session, path string, kind watchKind, call func(EventType),
	f func(watch bool) (T, error)) (T, *Watch, error) {
	// The request that sets the watch again is longer than the read that sets it.
	if err := s.fits(wire.SetWatchesHeader + wire.StringSize(s.abs(path))); err != nil {
		var none T
		return none, nil, s.refuse("watch", path, err)
	}
	w, share := s.watches.join(s.abs(path), kind, call)
	value, err := f(!share)
	if errors.Is(err, ErrNoAuth) {
		s.watches.aclsInUse()
	}
	if err != nil {
		w.Stop()
		return value, nil, err
	}
	if !share {
		s.watches.arm(w, value.sighting())
	}
	return value, w, nil
}

// GetW is Get with a watch on the node's data and on its deletion. It sets
// none when it fails.
func (s *Session) GetW(ctx context.Context, path string) ([]byte, Stat, *Watch, error) {
	s.made()
	return s.GetFunc(ctx, path, nil)
}

// ExistsW is Exists with a watch: on the node's data and deletion if the node
// exists, on its creation if not. The session looks again, paced, at a node that
// is missing or hidden, since the server may withhold its events (see SeeW). An
// old server that answers for an unreadable node does not say so here: a wait
// for the end of a node uses SeeW.
func (s *Session) ExistsW(ctx context.Context, path string) (Stat, bool, *Watch, error) {
	s.made()
	return s.ExistsFunc(ctx, path, nil)
}

// ChildrenW is Children with a watch on the node's children and its deletion.
// It sets none when it fails.
func (s *Session) ChildrenW(ctx context.Context, path string) ([]string, Stat, *Watch, error) {
	s.made()
	return s.ChildrenFunc(ctx, path, nil)
}
