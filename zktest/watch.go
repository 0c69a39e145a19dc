package zktest

import (
	"maps"
	"slices"

	"github.com/docent-go/docent/internal/wire"
)

// watchMode says how long a watch lasts and which znodes it covers. It is a set:
// see watchTable.
type watchMode uint8

const (
	watchOnce       watchMode = 1 << iota // removed when it fires
	watchPersistent                       // lasts until it is removed
	watchRecursive                        // lasts, and covers the whole subtree

	watchAny = watchOnce | watchPersistent | watchRecursive
)

// watchTable is ZooKeeper's WatchManager: one watch per connection and path. If
// the version keeps modes, a second watch on the same path adds its mode to the first, as
// it does in 3.9. Otherwise it replaces the mode.
type watchTable struct {
	byPath    map[string]map[*conn]watchMode
	byConn    map[*conn]map[string]struct{}
	recursive int
	traits    traits
}

// watches are the watches of some modes in a table.
type watches struct {
	table *watchTable
	modes watchMode
}

// watchesOfKind returns the watches that a kind of watch names in the requests
// that check and remove watches, or nil for an unknown kind.
func (t *tree) watchesOfKind(kind int32) []watches {
	const children, data, either, persistent, recursive = 1, 2, 3, 4, 5
	once := watchAny
	if t.traits.keepsWatchModes {
		once = watchOnce
	}
	switch {
	case kind == children:
		return []watches{{&t.child, once}}
	case kind == data:
		return []watches{{&t.data, once}}
	case kind == either:
		return []watches{{&t.child, watchAny}, {&t.data, watchAny}}
	case kind == persistent && t.traits.keepsWatchModes:
		return []watches{{&t.child, watchPersistent}, {&t.data, watchPersistent}}
	case kind == recursive && t.traits.keepsWatchModes:
		return []watches{{&t.data, watchRecursive}}
	}
	return nil
}

// follow sets a persistent or a recursive watch.
func (t *tree) follow(path string, c *conn, mode watchMode) {
	t.data.add(path, c, mode)
	if mode == watchPersistent || !t.traits.keepsWatchModes {
		t.child.add(path, c, mode)
	}
}

func (w *watchTable) init(is traits) {
	w.traits = is
	w.byPath = make(map[string]map[*conn]watchMode)
	w.byConn = make(map[*conn]map[string]struct{})
}

func (w *watchTable) add(path string, c *conn, mode watchMode) {
	if c.gone {
		return
	}
	if w.byPath[path] == nil {
		w.byPath[path] = make(map[*conn]watchMode)
	}
	if w.byConn[c] == nil {
		w.byConn[c] = make(map[string]struct{})
	}
	if w.traits.keepsWatchModes {
		mode |= w.byPath[path][c]
	}
	w.set(path, c, mode)
	w.byConn[c][path] = struct{}{}
}

// set changes the mode of a watch.
func (w *watchTable) set(path string, c *conn, mode watchMode) {
	if w.byPath[path][c]&watchRecursive != 0 {
		w.recursive--
	}
	if mode&watchRecursive != 0 {
		w.recursive++
	}
	w.byPath[path][c] = mode
}

// has reports whether the connection has a watch on path with one of the modes.
// ZooKeeper 3.8.0 does not check whose watch it is.
func (w *watchTable) has(path string, c *conn, modes watchMode) bool {
	if w.traits.confusesWatchers {
		return len(w.byPath[path]) > 0
	}
	return w.byPath[path][c]&modes != 0
}

// remove removes the given modes of a watch, and reports whether the watch had
// one of them.
func (w *watchTable) remove(path string, c *conn, modes watchMode) bool {
	mode := w.byPath[path][c]
	if mode&modes == 0 {
		return false
	}
	w.set(path, c, mode&^modes)
	if mode&^modes != 0 {
		return true
	}
	delete(w.byPath[path], c)
	if len(w.byPath[path]) == 0 {
		delete(w.byPath, path)
	}
	delete(w.byConn[c], path)
	if len(w.byConn[c]) == 0 {
		delete(w.byConn, c)
	}
	return true
}

// forget removes all watches of a connection.
func (w *watchTable) forget(c *conn) {
	for path := range w.byConn[c] {
		w.remove(path, c, watchAny)
	}
}

// move hands the watches of a connection to another table.
func (w *watchTable) move(c *conn, to *watchTable) {
	for path := range maps.Clone(w.byConn[c]) {
		to.add(path, c, w.byPath[path][c])
		w.remove(path, c, watchAny)
	}
}

func (w *watchTable) size() int {
	n := 0
	for _, conns := range w.byPath {
		n += len(conns)
	}
	return n
}

// trigger emits the event to every connection that watches path, in the order
// of their arrival, except to those in told. It returns the connections it
// found.
func (w *watchTable) trigger(path string, t wire.Event, told map[*conn]bool, emit func(*conn, wire.Event, string)) map[*conn]bool {
	if len(w.byPath[path]) == 0 && w.recursive == 0 {
		return nil
	}
	found := make(map[*conn]bool)
	for c, mode := range w.byPath[path] {
		if mode == watchRecursive && t == wire.EventChildrenChanged {
			continue
		}
		found[c] = true
	}
	for c := range found {
		w.remove(path, c, watchOnce)
	}
	if w.recursive > 0 && t != wire.EventChildrenChanged {
		for p := path; p != rootPath; {
			p, _, _ = splitPath(p)
			for c, mode := range w.byPath[p] {
				if mode&watchRecursive != 0 {
					found[c] = true
				}
			}
		}
	}
	for _, c := range slices.SortedFunc(maps.Keys(found), byArrival) {
		if !told[c] {
			emit(c, t, path)
		}
	}
	return found
}
