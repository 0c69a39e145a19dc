package core

import (
	"time"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// serverWatches has the one-shot watches that the server keeps for the session.
// The next connection sets a watch again if it has waiters. It is guarded by
// the watch table's mu, and updated in the order of the stream: a read that
// sets a watch is noted before the event that uses the watch up.
type serverWatches struct {
	kept map[watchKey]wire.Op // the request that sets the watch again: exists for a missing node

	idle  map[watchKey]struct{} // watches that may have no waiters
	timer *time.Timer           // removes idle watches; nil if it is not running
}

// watching returns a function that queues a read which leaves a watch on the
// server, unless a persistent watch replaces it (see follows). For a read
// without a watch, it returns nil.
func (t *watchTable) watching(key watchKey, op wire.Op, watch bool) func(*conn.Conn) (*conn.Call, conn.Queued) {
	if !watch {
		return nil
	}
	return func(link *conn.Conn) (*conn.Call, conn.Queued) {
		t.mu.Lock()
		defer t.mu.Unlock()
		var then func(*conn.Call)
		watch := !t.follows.cover(key.path)
		if watch {
			then = func(call *conn.Call) {
				if call.Fate() == conn.Answered {
					t.left(key, op, call.Reply().Code)
				}
			}
		}
		call := conn.NewCall(wire.Read(op, key.path, watch), then)
		return call, link.Enqueue(call)
	}
}

func (t *watchTable) left(key watchKey, op wire.Op, code wire.Code) {
	switch {
	case code == wire.CodeOK && op == wire.OpExists:
		op = wire.OpGetData // the node exists: its data and its deletion are watched
	case code == wire.CodeOK:
	case code == wire.CodeNoNode && op == wire.OpExists:
	default:
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.server.kept == nil {
		t.server.kept = make(map[watchKey]wire.Op)
	}
	t.server.kept[key] = op
	if !t.awaited(key) {
		t.considerLater(key)
	}
}

// awaited reports whether the watch has waiters. The caller holds mu.
func (t *watchTable) awaited(key watchKey) bool {
	e := t.entries[key]
	return e != nil && len(e.waiters) > 0
}

// idleFor is how long a watch without waiters remains on the server. A waiter
// that comes in that time shares it.
const idleFor = time.Second

// takenAtOnce is how many watches are removed together.
const takenAtOnce = 256

// considerLater removes a watch from the server after idleFor, unless it has
// waiters by then. The caller holds mu.
func (t *watchTable) considerLater(key watchKey) {
	if t.ended || t.s == nil || t.s.m.noRemoval.Load() {
		return
	}
	if t.server.idle == nil {
		t.server.idle = make(map[watchKey]struct{})
	}
	t.server.idle[key] = struct{}{}
	t.considerIn(idleFor)
}

// considerIn schedules takeBack. The caller holds mu.
func (t *watchTable) considerIn(d time.Duration) {
	if t.server.timer == nil && !t.ended {
		t.server.timer = time.AfterFunc(d, t.takeBack)
	}
}

// takeBack removes idle watches without waiters from the server. A later waiter
// sets the watch again: its request is sent after the request that removes the
// watch.
func (t *watchTable) takeBack() {
	t.s.mu.Lock()
	link := t.s.link
	t.s.mu.Unlock()
	t.mu.Lock()
	t.server.timer = nil
	if link == nil || t.ended { // a new connection does not set watches without waiters again
		t.mu.Unlock()
		return
	}
	var calls []*conn.Call
	for key := range t.server.idle {
		if len(calls) == takenAtOnce {
			break
		}
		delete(t.server.idle, key)
		if t.awaited(key) {
			continue
		}
		delete(t.entries, key)
		if _, kept := t.server.kept[key]; kept && !t.follows.cover(key.path) {
			calls = append(calls, t.removal(key, len(calls) == takenAtOnce-1))
		}
	}
	// Under mu, so that no read of a waiter without an entry can be sent
	// before.
	link.SendBehind(calls...)
	t.mu.Unlock()
}

// removal is the request that removes a watch. The last request of a full turn
// schedules the next turn.
func (t *watchTable) removal(key watchKey, last bool) *conn.Call {
	which := wire.DataWatcher
	if key.kind == childWatch {
		which = wire.ChildWatcher
	}
	return conn.NewCall(wire.RemoveWatches(key.path, which), func(call *conn.Call) {
		if call.Fate() != conn.Answered {
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if last {
			t.considerIn(0)
		}
		switch code := call.Reply().Code; {
		case code == wire.CodeOK, code == wire.CodeNoWatcher:
			delete(t.server.kept, key)
		case code == wire.CodeUnimplemented: // before ZooKeeper 3.5
			t.s.m.lacks(&t.s.m.noRemoval, "removeWatches")
		case code.Class() == wire.NotExecuted: // while the server throttles
			if _, kept := t.server.kept[key]; kept && !t.awaited(key) {
				t.considerLater(key)
			}
		}
	})
}

// end stops the timer and drops all watches. The caller holds the table's mu.
func (w *serverWatches) end() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.kept, w.idle = nil, nil
}

// maxRewatch bounds a request that sets watches again, however large the
// server's configured limit is: a server or a proxy may have a lower limit than
// this Manager's configuration.
const maxRewatch = 16 << 10

// setAgain returns the requests that set the watches with waiters again. Each
// request has at most limit bytes without its prefix, unless a single watch
// needs more. The server fires the watches whose nodes have changed after
// transaction zxid at once. setAgain forgets the other watches, because the new
// connection does not have them.
func (t *watchTable) setAgain(zxid int64, limit int) [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	var frames [][]byte
	var again wire.Watches
	size := wire.SetWatchesHeader
	flush := func() {
		if size == wire.SetWatchesHeader {
			return
		}
		frames = append(frames, wire.SetWatches(zxid, again))
		again, size = wire.Watches{}, wire.SetWatchesHeader
	}
	add := func(list *[]string, path string) {
		n := wire.StringSize(path)
		if size+n > limit {
			flush()
		}
		size += n
		*list = append(*list, path)
	}
	for key, op := range t.server.kept {
		if !t.awaited(key) {
			delete(t.server.kept, key)
			delete(t.entries, key)
			continue
		}
		list := &again.Data
		switch op {
		case wire.OpExists:
			list = &again.Exist
		case wire.OpGetChildren2:
			list = &again.Child
		}
		add(list, key.path)
	}
	flush() // servers before 3.6 know only the request for one-shot watches
	nodes, trees := t.follows.setAgain()
	for _, path := range nodes {
		add(&again.Persistent, path)
	}
	for _, path := range trees {
		add(&again.Recursive, path)
	}
	flush()
	t.server.idle = nil
	return frames
}
