package zktest

import (
	"maps"
	"slices"

	"github.com/docent-go/docent/internal/wire"
)

// watchMode says how long a watch lasts and which znodes it covers.
type watchMode uint8

const (
	watchOnce       watchMode = iota // removed when it fires
	watchPersistent                  // lasts until it is removed
	watchRecursive                   // lasts, and covers the whole subtree
)

// watchTable is ZooKeeper's WatchManager: one watch per connection and path. A second
// watch on the same path replaces the mode of the first, as it does in 3.8.
type watchTable struct {
	byPath    map[string]map[*conn]watchMode
	byConn    map[*conn]map[string]struct{}
	recursive int
}

func (w *watchTable) init() {
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
	if w.byPath[path][c] == watchRecursive {
		w.recursive--
	}
	if mode == watchRecursive {
		w.recursive++
	}
	w.byPath[path][c] = mode
	w.byConn[c][path] = struct{}{}
}

// has reports whether any connection watches path: ZooKeeper 3.8.0 does not
// check whose watch it is.
func (w *watchTable) has(path string) bool { return len(w.byPath[path]) > 0 }

func (w *watchTable) remove(path string, c *conn) bool {
	mode, ok := w.byPath[path][c]
	if !ok {
		return false
	}
	if mode == watchRecursive {
		w.recursive--
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
		w.remove(path, c)
	}
}

// move hands the watches of a connection to another table.
func (w *watchTable) move(c *conn, to *watchTable) {
	for path := range maps.Clone(w.byConn[c]) {
		to.add(path, c, w.byPath[path][c])
		w.remove(path, c)
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
		if w.byPath[path][c] == watchOnce {
			w.remove(path, c)
		}
	}
	if w.recursive > 0 && t != wire.EventChildrenChanged {
		for p := path; p != rootPath; {
			p, _, _ = splitPath(p)
			for c, mode := range w.byPath[p] {
				if mode == watchRecursive {
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
