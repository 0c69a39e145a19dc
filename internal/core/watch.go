package core

import (
	"container/list"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/wire"
)

// EventType is the kind of an event.
type EventType int

// The kinds of events.
const (
	NodeCreated EventType = iota + 1
	NodeDeleted
	NodeDataChanged
	NodeChildrenChanged
	// SessionEnded is the last event.
	SessionEnded
)

var eventTypes = map[wire.Event]EventType{
	wire.EventCreated:         NodeCreated,
	wire.EventDeleted:         NodeDeleted,
	wire.EventDataChanged:     NodeDataChanged,
	wire.EventChildrenChanged: NodeChildrenChanged,
}

// watchKind is the kind of a watch on the server. Get and Exists share one
// kind.
type watchKind uint8

const (
	dataWatch watchKind = iota
	childWatch
)

type watchKey struct {
	path string
	kind watchKind
}

// Watch waits for one event. It fires once, at the latest at the end of its
// session. It may fire without a change: the caller reads again.
type Watch struct {
	table *watchTable
	key   watchKey
	done  chan struct{}
	call  func(EventType) // instead of done; must not block

	// Guarded by table.mu.
	entry  *watchEntry
	index  int // in entry.waiters; -1 if it is not in an entry
	event  EventType
	noLook bool
	always bool // see CheckAlways
}

// made panics for a Watch that was not set by a session.
func (w *Watch) made() {
	misuse.ZeroValue(w == nil || w.table == nil, "or nil core.Watch", "a read of a Session that sets one")
}

// Done returns a channel that is closed when the watch has fired.
func (w *Watch) Done() <-chan struct{} {
	w.made()
	return w.done
}

// Event returns the event, or zero while the watch has not fired.
func (w *Watch) Event() EventType {
	w.made()
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	return w.event
}

// Stop ends the wait. The watch never fires after Stop. The watch on the server
// is removed in the background, unless it has other waiters in this process by
// then.
func (w *Watch) Stop() {
	w.made()
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	w.leave()
}

// StopLater is Stop for a finalizer or a cleanup: it only takes a lock. The
// watch may still fire until the next ping is answered.
func (w *Watch) StopLater() {
	w.made()
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	w.table.later = append(w.table.later, w)
}

// stopLater stops the watches of StopLater. The caller holds mu.
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

// watchTable has one entry for each watch with waiters, and delivers the event
// to all of them. The connection calls it, so a waiter needs no goroutine.
// serverWatches has the watches on the server.
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
// The event that ends an entry wakes its waiters. If an entry fires in the
// state asked, its read leaves a watch without waiters on the server, which is
// removed too.
type watchTable struct {
	s *Session

	mu      sync.Mutex
	entries map[watchKey]*watchEntry
	server  serverWatches
	follows follows
	checks  checks
	later   []*Watch // the watches of StopLater
	ended   bool
}

type watchEntry struct {
	armed     bool // the server has the watch, or a persistent one
	fired     bool
	waiters   []*Watch
	known     bool          // was has a value
	was       presence      // the node in the first read that set the watch
	look      *look         // nil unless the server may withhold the event
	place     *list.Element // in the table's checks; nil if it is not there
	confirmed time.Time     // when the node was last known to be unchanged
}

// wanted reports whether a waiter needs the session's own looks at the node.
// The caller holds the table's mu.
func (e *watchEntry) wanted() bool {
	return slices.ContainsFunc(e.waiters, func(w *Watch) bool { return !w.noLook })
}

// quiet stops the looks and the checks of the node. The caller holds mu.
func (t *watchTable) quiet(e *watchEntry) {
	t.checks.remove(e)
	if e.look != nil {
		e.look.timer.Stop()
		e.look = nil
	}
}

// join adds a waiter before its read is sent, so that no event can be missed
// between the two. share says that the server already has the watch. Then a
// read without a watch is sufficient, because every change after it fires that
// watch.
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

// arm notes that w's read has left a watch on the server, and the node in that
// read. If the watch has fired since, the table has dropped its entry, and arm
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
	if parent != "" { // its children have changed, which has no event of its own
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

// takeKey is take for the entry of a key, which it removes. The caller holds
// mu.
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

// end fires every watch, and every later one at once.
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

// watched runs a read that leaves a watch, or shares an existing watch.
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

// GetW is Get with a watch on the node's data and on its deletion. If it fails,
// it sets no watch.
func (s *Session) GetW(ctx context.Context, path string) ([]byte, Stat, *Watch, error) {
	s.made()
	return s.GetFunc(ctx, path, nil)
}

// ExistsW is Exists with a watch: on the node's data and deletion if the node
// exists, otherwise on its creation. The session reads a missing or hidden node
// again, with pauses, because the server may withhold its events (see SeeW).
// With an old server that returns the stat of an unreadable node, ExistsW does
// not notice that the node is hidden. So use SeeW to wait for the end of a
// node.
func (s *Session) ExistsW(ctx context.Context, path string) (Stat, bool, *Watch, error) {
	s.made()
	return s.ExistsFunc(ctx, path, nil)
}

// ChildrenW is Children with a watch on the node's children and its deletion.
// If it fails, it sets no watch.
func (s *Session) ChildrenW(ctx context.Context, path string) ([]string, Stat, *Watch, error) {
	s.made()
	return s.ChildrenFunc(ctx, path, nil)
}
